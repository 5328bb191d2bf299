//! Secret keys on the command line: where they are, and how their passphrases come in. A
//! passphrase is never an argument, and never shown.

use std::io::IsTerminal;
use std::path::Path;
use std::path::PathBuf;

use serde_json::json;
use zeroize::Zeroizing;

use crate::catalog::Dataset;
use crate::cli::args::Cli;
use crate::cli::args::Format;
use crate::cli::args::KeyArgs;
use crate::cli::args::KeygenArgs;
use crate::cli::args::PasswdArgs;
use crate::cli::args::SignArgs;
use crate::cli::bar::Bar;
use crate::cli::commands::find;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::outputs;
use crate::file_io::IfExists;
use crate::file_io::read_given_text;
use crate::ident::DatasetName;
use crate::ident::PublisherKey;
use crate::keyring;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::trust::Fingerprint;
use crate::trust::KeyPair;
use crate::trust::Level;
use crate::trust::Publisher;

const KEY_FILE: &str = "key.enc";
const DEFAULT_ALIAS: &str = "me";
/// Passphrases are lines that people type.
const PASSPHRASE_BYTES_MAX: usize = 4096;

/// Which of two passphrases is wanted.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    file: Option<&'a Path>,
    variable: &'static str,
    flag: &'static str,
    prompt: &'static str,
    is_new: bool,
}

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

fn free_alias(is_taken: impl Fn(&DatasetName) -> bool) -> Result<DatasetName, Error> {
    let names = std::iter::once(DEFAULT_ALIAS.to_owned())
        .chain((2..).map(|n| format!("{DEFAULT_ALIAS}-{n}")));
    for name in names {
        let name: DatasetName = name.parse()?;
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
    let path = key_path(registry.home(), args.key.as_deref(), cli);
    let pair = open(&path, cli)?;
    let wanted = Wanted {
        file: args.new_passphrase_file.as_deref(),
        variable: "ALIMENTAR_NEW_PASSPHRASE",
        flag: "--new-passphrase-file",
        prompt: "New passphrase: ",
        is_new: true,
    };
    let passphrase = passphrase(wanted)?;
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
    open(&key_path(home, key.key.as_deref(), cli), cli)
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
    let path = key_path(&home_of(cli)?, key.key.as_deref(), cli);
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
    keyring::locked(&path).ok().map(|l| l.public_key())
}

/// Opens a key file with the passphrase given for it.
pub(crate) fn open(path: &Path, cli: &Cli) -> Result<KeyPair, Failure> {
    keyring::locked(path).map_err(Error::from)?;
    let passphrase = passphrase(Wanted {
        file: cli.passphrase_file.as_deref(),
        variable: "ALIMENTAR_PASSPHRASE",
        flag: "--passphrase-file",
        prompt: "Passphrase: ",
        is_new: false,
    })?;
    Ok(KeyPair::load(path, &passphrase).map_err(Error::from)?)
}

/// The key file that is named, by an option or in the settings, or the one in the home.
fn key_path(home: &Path, given: Option<&Path>, cli: &Cli) -> PathBuf {
    let named = given.or(cli.default_key.as_deref());
    named.map_or_else(|| home.join(KEY_FILE), Path::to_owned)
}

/// The passphrase of an archive.
pub(crate) fn archive_passphrase(cli: &Cli, is_new: bool) -> Result<Zeroizing<String>, Failure> {
    passphrase(Wanted {
        file: cli.passphrase_file.as_deref(),
        variable: "ALIMENTAR_PASSPHRASE",
        flag: "--passphrase-file",
        prompt: "Passphrase of the archive: ",
        is_new,
    })
}

fn new_passphrase(cli: &Cli) -> Result<Zeroizing<String>, Failure> {
    passphrase(Wanted {
        file: cli.passphrase_file.as_deref(),
        variable: "ALIMENTAR_PASSPHRASE",
        flag: "--passphrase-file",
        prompt: "Passphrase for the new key: ",
        is_new: true,
    })
}

#[allow(
    clippy::disallowed_methods,
    reason = "a passphrase may come in by a variable"
)]
fn passphrase(wanted: Wanted<'_>) -> Result<Zeroizing<String>, Failure> {
    if let Some(path) = wanted.file {
        return from_file(path);
    }
    if let Ok(text) = std::env::var(wanted.variable) {
        return Ok(Zeroizing::new(text));
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::NoPassphrase {
            flag: wanted.flag,
            variable: wanted.variable,
        });
    }
    let fail = |e| Failure::from(Error::machine("read from the terminal", e));
    let ask = |prompt| rpassword::prompt_password(prompt).map(Zeroizing::new);
    let typed = ask(wanted.prompt).map_err(fail)?;
    if wanted.is_new && *typed != *ask("The same again: ").map_err(fail)? {
        return Err(Failure::Misused {
            message: "the two passphrases differ".to_owned(),
            hint: "run it again, and type the same one twice".to_owned(),
        });
    }
    Ok(typed)
}

/// The first line of a file.
fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let fail = |e| Failure::from(Error::file("read", path, e));
    let text = read_given_text(path, PASSPHRASE_BYTES_MAX);
    let text = Zeroizing::new(text.map_err(fail)?);
    Ok(Zeroizing::new(
        text.lines().next().unwrap_or_default().to_owned(),
    ))
}
