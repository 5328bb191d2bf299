//! `registry keygen`: makes a key to publish with.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::parse::parse_alias;
use crate::cli::prompt::confirm::confirm_destruction;
use crate::cli::prompt::passphrase::read_new_key_passphrase;
use crate::cli::registry::publishing::key_pair::key_file_or_default;
use crate::file_io::IfExists;
use crate::ident::Alias;
use crate::keyring;
use crate::registry::DatasetError;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::trust::Fingerprint;
use crate::trust::KeyPair;
use crate::trust::Level;
use crate::trust::Publisher;
use crate::trust::TrustFileError;

/// Make a key to publish with
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar keygen --name lab-a -o lab-a.enc")]
pub(crate) struct KeygenArgs {
    /// The file to write [default: key.enc in the registry's directory]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The name of the key here [default: me]
    #[arg(long, value_name = "ALIAS", value_parser = parse_alias)]
    name: Option<Alias>,
    /// Replace an existing key, which is then lost for ever; asks, and without a terminal wants --yes
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct KeygenOutput {
    public_key: String,
    path: String,
    name: String,
    fingerprint: String,
    words: String,
}

const DEFAULT_ALIAS: &str = "me";

pub(crate) fn run(ctx: &Context, args: &KeygenArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let path = key_file_or_default(registry.home(), args.output.as_deref());
    let if_exists = if args.force {
        IfExists::Replace
    } else {
        IfExists::Refuse
    };
    let is_taken = keyring::is_taken(&path);
    if is_taken && !args.force {
        return Err(Error::from(keyring::KeyringError::Exists(path)).into());
    }
    if let Some(name) = &args.name
        && registry.trust().store()?.file().get(name).is_some()
    {
        return Err(Error::from(TrustFileError::NameTaken(name.to_string())).into());
    }
    if is_taken {
        confirm_destruction(ctx, &describe_loss(registry, &path)?)?;
    }
    let passphrase = read_new_key_passphrase(ctx)?;
    let pair = KeyPair::generate().map_err(Error::from)?;
    let public_key = pair.public_key();
    pair.save(&path, &passphrase, if_exists)
        .map_err(Error::from)?;
    let alias = registry.trust().change(|file| {
        let alias = match &args.name {
            Some(name) => name.clone(),
            None => free_alias(|name| file.get(name).is_some())?,
        };
        file.put(Publisher::new(alias.clone(), public_key, Level::Full))?;
        Ok(alias)
    })?;
    let print = Fingerprint::of(&public_key);
    let words = print.words().join(" ");
    let text = format!(
        "Made a key; its secret half is in {}\n  public key   {public_key}\n  fingerprint  {print}\n  words        {words}\n  known here   as `{alias}`, trusted in full\nOthers trust it with: alimentar registry trust add NAME {public_key}\n",
        path.display()
    );
    let output = KeygenOutput {
        public_key: public_key.to_hex(),
        path: path.to_string_lossy().into_owned(),
        name: alias.to_string(),
        fingerprint: print.to_string(),
        words,
    };
    let out = ctx.out.beside(Some(&path));
    Ok(out.result(&output, &[public_key.to_hex()], &text)?)
}

/// Describes what is lost with the key in a file.
fn describe_loss(registry: &LocalRegistry, path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let Ok(locked) = keyring::locked(path) else {
        return Ok(format!("the file `{shown}`"));
    };
    let key = locked.public_key();
    let believed = registry.trust().store()?;
    let known = believed.alias(&key).map(|name| format!(" of `{name}`"));
    let datasets = registry.list()?;
    let signed = datasets.iter().filter(|d| d.manifest.signer == Some(key));
    Ok(format!(
        "the secret key{} {key} in `{shown}`; the {} dataset(s) here that it signed can no longer be revised or withdrawn",
        known.unwrap_or_default(),
        signed.count()
    ))
}

/// The first of `me`, `me-2`, `me-3` … that is free.
fn free_alias(is_taken: impl Fn(&Alias) -> bool) -> Result<Alias, Error> {
    let names = std::iter::once(DEFAULT_ALIAS.to_owned())
        .chain((2..).map(|n| format!("{DEFAULT_ALIAS}-{n}")));
    for name in names {
        let name: Alias = name.parse()?;
        if !is_taken(&name) {
            return Ok(name);
        }
    }
    Err(Error::Dataset(DatasetError::NotFound(
        DEFAULT_ALIAS.to_owned(),
    )))
}
