//! Secret keys on the command line: where they are, and how their passphrases come in. A
//! passphrase is never an argument, and never shown.

use std::path::Path;
use std::path::PathBuf;

use serde_json::json;

use crate::catalog::Dataset;
use crate::cli::args::Cli;
use crate::cli::args::KeyArgs;
use crate::cli::args_keys::Format;
use crate::cli::args_keys::KeygenArgs;
use crate::cli::args_keys::PasswdArgs;
use crate::cli::args_keys::SignArgs;
use crate::cli::ask;
use crate::cli::bar::Bar;
use crate::cli::commands::find;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::outputs;
use crate::cli::passphrase::key_passphrase;
use crate::cli::passphrase::new_passphrase;
use crate::cli::passphrase::replacing_passphrase;
use crate::file_io::IfExists;
use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::keyring;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::finish_rotation;
use crate::trust::Fingerprint;
use crate::trust::KeyPair;
use crate::trust::Level;
use crate::trust::Publisher;
use crate::trust::TrustFileError;

const KEY_FILE: &str = "key.enc";
const DEFAULT_ALIAS: &str = "me";
pub(crate) fn keygen(
    registry: &LocalRegistry,
    args: &KeygenArgs,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let path = match &args.output {
        Some(path) => path.clone(),
        None => registry.home().join(KEY_FILE),
    };
    let if_exists = if args.force {
        IfExists::Replace
    } else {
        IfExists::Refuse
    };
    if if_exists == IfExists::Refuse && keyring::is_taken(&path) {
        return Err(Error::from(keyring::KeyringError::Exists(path)).into());
    }
    let out = &out.beside(Some(&path));
    if let Some(name) = &args.name
        && registry.trust()?.file().get(name).is_some()
    {
        return Err(Error::from(TrustFileError::NameTaken(name.to_string())).into());
    }
    if keyring::is_taken(&path) {
        ask::before_destroying(&lost_with(registry, &path)?, cli, out)?;
    }
    let passphrase = new_passphrase(cli)?;
    let pair = KeyPair::generate().map_err(Error::from)?;
    let public_key = pair.public_key();
    pair.save(&path, &passphrase, if_exists)
        .map_err(Error::from)?;
    let alias = registry.change_trust(|file| {
        let alias = match &args.name {
            Some(name) => name.clone(),
            None => free_alias(|name| file.get(name).is_some())?,
        };
        file.put(Publisher::new(alias.clone(), public_key, Level::Full))?;
        Ok(alias)
    })?;
    let print = Fingerprint::of(&public_key);
    let words = print.words().join(" ");
    let object = json!({
        "public_key": public_key.to_hex(), "path": path.to_string_lossy(),
        "name": alias.to_string(), "fingerprint": print.to_string(), "words": words,
    });
    let text = format!(
        "Made a key; its secret half is in {}\n  public key   {public_key}\n  fingerprint  {print}\n  words        {words}\n  known here   as `{alias}`, trusted in full\nOthers trust it with: alimentar registry trust add NAME {public_key}\n",
        path.display()
    );
    Ok(out.result(&object, &[public_key.to_hex()], &text)?)
}

/// What is lost with the key in a file, in words.
fn lost_with(registry: &LocalRegistry, path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let Ok(locked) = keyring::locked(path) else {
        return Ok(format!("the file `{shown}`"));
    };
    let key = locked.public_key();
    let believed = registry.trust()?;
    let known = believed.alias(&key).map(|name| format!(" of `{name}`"));
    let datasets = registry.list()?;
    let signed = datasets.iter().filter(|d| d.manifest.signer == Some(key));
    Ok(format!(
        "the secret key{} {key} in `{shown}`; the {} dataset(s) here that it signed can no longer be revised or withdrawn",
        known.unwrap_or_default(),
        signed.count()
    ))
}

fn free_alias(is_taken: impl Fn(&Alias) -> bool) -> Result<Alias, Error> {
    let names = std::iter::once(DEFAULT_ALIAS.to_owned())
        .chain((2..).map(|n| format!("{DEFAULT_ALIAS}-{n}")));
    for name in names {
        let name: Alias = name.parse()?;
        if !is_taken(&name) {
            return Ok(name);
        }
    }
    Err(Error::NotFound(DEFAULT_ALIAS.to_owned()))
}

pub(crate) fn passwd(
    registry: &LocalRegistry,
    args: &PasswdArgs,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let path = key_path(registry.home(), args.key.as_deref(), cli)?;
    let pair = open(&path, cli)?;
    let passphrase = replacing_passphrase(args.new_passphrase_file.as_deref())?;
    pair.save(&path, &passphrase, IfExists::Replace)
        .map_err(Error::from)?;
    let key = pair.public_key().to_hex();
    let object = json!({"public_key": key, "path": path.to_string_lossy()});
    let text = format!("{} has a new passphrase\n", path.display());
    Ok(out.result(&object, &[key], &text)?)
}

pub(crate) fn sign(
    registry: &LocalRegistry,
    args: &SignArgs,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let dataset = find(registry, &args.reference)?;
    let pair = pair(registry.home(), &args.key, cli)?;
    if args.format == Some(Format::InToto) {
        let if_exists = match &args.output {
            Some(path) => outputs::may_write_file(path, cli, out)?,
            None => IfExists::Refuse,
        };
        let out = &out.beside(args.output.as_deref());
        let bar = Bar::new(out.is_quiet() || out.is_json());
        let statement = registry.attest(&dataset, &pair, &bar)?;
        drop(bar);
        let text = format!("{statement}\n");
        return match &args.output {
            None => Ok(out.bytes(text.as_bytes())?),
            Some(path) => {
                outputs::write(path, text.as_bytes(), if_exists)?;
                let object = json!({"content_id": dataset.manifest.content_id.to_string(), "path": path.to_string_lossy()});
                let said = format!("Wrote {}\n", path.display());
                Ok(out.result(&object, &[], &said)?)
            }
        };
    }
    let signed = registry.sign(&dataset, &pair)?;
    let listed = LocalRegistry::listed(&registry.trust()?, signed);
    let m = &listed.dataset.manifest;
    let id = m.content_id.to_string();
    let object = json!({
        "content_id": id, "publisher": listed.publisher(),
        "publisher_key": pair.public_key().to_hex(), "trust": listed.trust().name(),
        "name": m.name.to_string(), "version": m.dataset_version.to_string(),
    });
    let text = format!(
        "Signed {}@{} as {}\n",
        m.name,
        m.dataset_version,
        listed.publisher().unwrap_or_default()
    );
    Ok(out.result(&object, &[id], &text)?)
}

/// The key pair that a command signs with.
pub(crate) fn pair(home: &Path, key: &KeyArgs, cli: &Cli) -> Result<KeyPair, Failure> {
    open(&key_path(home, key.key.as_deref(), cli)?, cli)
}

/// The key pair for changing a dataset's words; none where the dataset is not signed.
pub(crate) fn pair_for(
    dataset: &Dataset,
    key: &KeyArgs,
    cli: &Cli,
) -> Result<Option<KeyPair>, Failure> {
    let Some(signer) = dataset.manifest.signer else {
        return Ok(None);
    };
    let path = key_path(&home_of(cli)?, key.key.as_deref(), cli)?;
    // Whose key it is stands in the clear: nobody has to type a passphrase for nothing.
    let is_signers = keyring::locked(&path).is_ok_and(|l| l.public_key() == signer);
    if !is_signers && (key.key.is_none() || path.exists()) {
        return Err(Error::NotItsPublisher(dataset.manifest.name.to_string()).into());
    }
    open(&path, cli).map(Some)
}

/// The publisher whose secret key lies in the home, if one does.
pub(crate) fn own_key(home: &Path) -> Option<PublisherKey> {
    let path = home.join(KEY_FILE);
    finish_rotation(home, &path).ok()?;
    keyring::locked(&path).ok().map(|l| l.public_key())
}

/// Opens a key file with the passphrase given for it.
pub(crate) fn open(path: &Path, cli: &Cli) -> Result<KeyPair, Failure> {
    keyring::locked(path).map_err(Error::from)?;
    let passphrase = key_passphrase(cli)?;
    Ok(KeyPair::load(path, &passphrase).map_err(Error::from)?)
}

/// The key file that is named, by an option or in the settings, or the home's. A rotation that was
/// interrupted is finished first.
pub(crate) fn key_path(home: &Path, given: Option<&Path>, cli: &Cli) -> Result<PathBuf, Failure> {
    let path = place(home, given.or(cli.default_key.as_deref()));
    finish_rotation(home, &path)?;
    Ok(path)
}

/// Where a key file is.
pub(crate) fn place(home: &Path, given: Option<&Path>) -> PathBuf {
    given.map_or_else(|| home.join(KEY_FILE), Path::to_owned)
}
