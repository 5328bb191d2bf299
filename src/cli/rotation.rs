//! `registry trust rotate`: a new key of one's own, or the confirmation of another's.

use std::path::Path;

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::exit::Failure;
use crate::cli::keys;
use crate::cli::out::Out;
use crate::cli::out::printable;
use crate::cli::passphrase::key_passphrase;
use crate::cli::trust;
use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::keyring;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::finish_rotation;

/// Replaces the publisher's key, which is in the home or in `key`, by a new one.
pub(crate) fn anew(
    registry: &LocalRegistry,
    name: &Alias,
    key: Option<&Path>,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let home = registry.home();
    let path = keys::place(home, key);
    // One that was interrupted late needs no passphrase: it is only finished.
    let rotated = match finish_rotation(home, &path)? {
        Some(finished) => finished,
        None => {
            check_own(registry, name, &path)?;
            let passphrase = key_passphrase(cli)?;
            registry.rotate_own(name, &path, &passphrase)?
        }
    };
    let believed = registry.trust()?;
    let missing = || Error::NoPublisher(name.to_string());
    let publisher = believed.file().by_key(&rotated.key).ok_or_else(missing)?;
    let mut object = trust::object(&believed, publisher);
    object["path"] = json!(path.to_string_lossy());
    object["kept"] = json!(rotated.kept.to_string_lossy());
    let text = format!(
        "`{}` has a new key, and what is signed from now on is signed with it\n  public key   {}\n  before       {}\n  secret key   {}, under the same passphrase\n  old one      kept in {}\nThe rotation is signed with both keys and travels with this registry's data; others confirm it with:\n  alimentar registry trust rotate NAME {}\n",
        publisher.name,
        rotated.key,
        rotated.previous,
        path.display(),
        rotated.kept.display(),
        rotated.key,
    );
    Ok(out.result(&object, &[rotated.key.to_hex()], &printable(&text))?)
}

/// Says before a passphrase is asked for that the key is not the publisher's.
fn check_own(registry: &LocalRegistry, name: &Alias, path: &Path) -> Result<(), Failure> {
    let believed = registry.trust()?;
    let held = believed.file().get(name);
    let held = held.ok_or_else(|| Error::NoPublisher(name.to_string()))?;
    let found = keyring::locked(path).map_err(Error::from)?.public_key();
    match found == held.key || held.previous.contains(&found) {
        true => Ok(()),
        false => Err(Failure::NotTrusted(format!(
            "`{}` holds the key {found}, which is not the key of `{name}`",
            path.display()
        ))),
    }
}

/// Confirms that a publisher has a new key; with both secret keys, publishes it too.
pub(crate) fn confirmed(
    registry: &LocalRegistry,
    (name, new_key): (&Alias, PublisherKey),
    files: Option<(&Path, &Path)>,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let believed = registry.trust()?;
    let held = believed.file().get(name);
    let held = held.ok_or_else(|| Error::NoPublisher(name.to_string()))?;
    if held.key == new_key {
        return Err(Failure::usage("this is the key that it has already"));
    }
    let pairs = match files {
        None => None,
        Some((old, new)) => {
            let pairs = (keys::open(old, cli)?, keys::open(new, cli)?);
            if pairs.0.public_key() != held.key || pairs.1.public_key() != new_key {
                let files = "the key files are not those of the keys named";
                return Err(Failure::usage(files));
            }
            Some(pairs)
        }
    };
    let absorbed = believed.alias(&new_key).filter(|own| *own != name);
    let is_signed = registry.rotate(name, new_key, pairs.as_ref().map(|(a, b)| (a, b)))?;
    if let Some(own) = absorbed {
        out.diagnostic(&format!(
            "the new key was known here as `{own}`; it is `{name}` from now on"
        ));
    }
    if !is_signed {
        out.diagnostic(&format!(
            "warning: no statement signed with both keys is here; `{name}` has this key because you say so"
        ));
    }
    if keys::own_key(registry.home()) == Some(held.key) {
        out.diagnostic(
            "warning: key.enc in the registry's directory holds the old key, which signs no more: put the new key file in its place",
        );
    }
    trust::show(registry, name, out)
}
