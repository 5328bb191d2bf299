//! `registry trust rotate`: replaces your own key, or confirms the new key of a publisher.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::printable;
use crate::cli::parse::parse_alias;
use crate::cli::prompt::passphrase::read_key_passphrase;
use crate::cli::registry::publishing::key_pair::key_file_or_default;
use crate::cli::registry::publishing::key_pair::open_key_file;
use crate::cli::registry::publishing::key_pair::own_public_key;
use crate::cli::registry::trust::publisher::PublisherObject;
use crate::cli::registry::trust::publisher::print_publisher;
use crate::cli::registry::trust::publisher::unknown_publisher;
use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::keyring;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::finish_rotation;

/// Replace your own key by a new one (--new), or confirm that a publisher has a new key
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry trust rotate me --new
  alimentar registry trust rotate colleague 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29

With --new, a key is made under the passphrase of the old one, the rotation is published, and this registry
signs with the new key from then on. The old key is kept beside it, encrypted, under a name with its first
digits.")]
pub(crate) struct RotateArgs {
    /// Its name here
    #[arg(value_parser = parse_alias)]
    name: Alias,
    /// The new public key
    #[arg(required_unless_present = "new", conflicts_with = "new")]
    new_key: Option<PublisherKey>,
    /// Make a new key, publish the rotation and sign with the new key from now on
    #[arg(long)]
    new: bool,
    /// The old secret key [default with --new: key.enc in the registry's directory]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The new secret key, to propose the new one to others
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "new")]
    new_key_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct RotateOutput {
    #[serde(flatten)]
    publisher: PublisherObject,
    path: String,
    /// The file with the old key.
    kept: String,
}

pub(super) fn run(ctx: &Context, args: &RotateArgs) -> Result<(), Failure> {
    let (key, new_key_file) = (args.key.as_deref(), args.new_key_file.as_deref());
    match (args.new_key, key, new_key_file) {
        (None, key, _) => replace_own_key(ctx, &args.name, key),
        (Some(_), Some(_), None) => Err(Failure::usage(
            "--key goes with --new, or with the new key's file in --new-key-file",
        )),
        (Some(new_key), key, file) => confirm_new_key(ctx, &args.name, new_key, key.zip(file)),
    }
}

/// Replaces the publisher's own key, which is in the file `key` or in the registry's directory.
fn replace_own_key(ctx: &Context, name: &Alias, key: Option<&Path>) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let home = registry.home();
    let path = key_file_or_default(home, key);
    // To finish a rotation that was interrupted late needs no passphrase.
    let rotated = match finish_rotation(home, &path)? {
        Some(finished) => finished,
        None => {
            check_own_key(registry, name, &path)?;
            let passphrase = read_key_passphrase(ctx)?;
            registry.trust().rotate_own(name, &path, &passphrase)?
        }
    };
    let believed = registry.trust().store()?;
    let missing = || unknown_publisher(name);
    let publisher = believed.file().by_key(&rotated.key).ok_or_else(missing)?;
    let output = RotateOutput {
        publisher: PublisherObject::of(&believed, publisher),
        path: path.to_string_lossy().into_owned(),
        kept: rotated.kept.to_string_lossy().into_owned(),
    };
    let text = format!(
        "`{}` has a new key, and what is signed from now on is signed with it\n  public key   {}\n  before       {}\n  secret key   {}, under the same passphrase\n  old one      kept in {}\nThe rotation is signed with both keys and travels with this registry's data; others confirm it with:\n  alimentar registry trust rotate NAME {}\n",
        publisher.name,
        rotated.key,
        rotated.previous,
        path.display(),
        rotated.kept.display(),
        rotated.key,
    );
    Ok(ctx
        .out
        .result(&output, &[rotated.key.to_hex()], &printable(&text))?)
}

/// Refuses a key file that does not hold the publisher's key. This needs no passphrase.
fn check_own_key(registry: &LocalRegistry, name: &Alias, path: &Path) -> Result<(), Failure> {
    let believed = registry.trust().store()?;
    let held = believed.file().get(name);
    let held = held.ok_or_else(|| unknown_publisher(name))?;
    let found = keyring::locked(path).map_err(Error::from)?.public_key();
    if found == held.key || held.previous.contains(&found) {
        return Ok(());
    }
    Err(Failure::NotTrusted(format!(
        "`{}` holds the key {found}, which is not the key of `{name}`",
        path.display()
    )))
}

/// Confirms that a publisher has a new key. With both secret keys in `files`, publishes the rotation.
fn confirm_new_key(
    ctx: &Context,
    name: &Alias,
    new_key: PublisherKey,
    files: Option<(&Path, &Path)>,
) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let believed = registry.trust().store()?;
    let held = believed.file().get(name);
    let held = held.ok_or_else(|| unknown_publisher(name))?;
    if held.key == new_key {
        return Err(Failure::usage("this is the key that it has already"));
    }
    let pairs = match files {
        None => None,
        Some((old, new)) => {
            let pairs = (open_key_file(ctx, old)?, open_key_file(ctx, new)?);
            if pairs.0.public_key() != held.key || pairs.1.public_key() != new_key {
                let files = "the key files are not those of the keys named";
                return Err(Failure::usage(files));
            }
            Some(pairs)
        }
    };
    let absorbed = believed.alias(&new_key).filter(|own| *own != name);
    let is_signed = registry
        .trust()
        .rotate(name, new_key, pairs.as_ref().map(|(a, b)| (a, b)))?;
    if let Some(own) = absorbed {
        ctx.out.diagnostic(&format!(
            "the new key was known here as `{own}`; it is `{name}` from now on"
        ));
    }
    if !is_signed {
        ctx.out.diagnostic(&format!(
            "warning: no statement signed with both keys is here; `{name}` has this key because you say so"
        ));
    }
    if own_public_key(registry.home()) == Some(held.key) {
        ctx.out.diagnostic(
            "warning: key.enc in the registry's directory holds the old key, which signs no more: put the new key file in its place",
        );
    }
    print_publisher(ctx, name)
}
