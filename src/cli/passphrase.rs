//! How passphrases come in: from a file, a variable or the terminal. They are never arguments, and
//! never shown.

use std::io::IsTerminal as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::args::Cli;
use crate::cli::exit::Failure;
use crate::file_io::read_given_text;
use crate::keyring::KeyringError;
use crate::keyring::normal_passphrase;
use crate::registry::Error;

/// Passphrases are lines that people type.
const PASSPHRASE_BYTES_MAX: usize = 4096;
const VARIABLE: &str = "ALIMENTAR_PASSPHRASE";
const FLAG: &str = "--passphrase-file";

/// Which passphrase is wanted.
#[derive(Clone, Copy, Debug)]
struct Wanted<'a> {
    file: Option<&'a Path>,
    variable: &'static str,
    flag: &'static str,
    prompt: &'static str,
    is_new: bool,
}

/// The passphrase of a key that is there.
pub(crate) fn key_passphrase(cli: &Cli) -> Result<Zeroizing<String>, Failure> {
    usual(cli, "Passphrase: ", false)
}

/// The passphrase of a key that is made.
pub(crate) fn new_passphrase(cli: &Cli) -> Result<Zeroizing<String>, Failure> {
    usual(cli, "Passphrase for the new key: ", true)
}

/// The passphrase of an archive.
pub(crate) fn archive_passphrase(cli: &Cli, is_new: bool) -> Result<Zeroizing<String>, Failure> {
    usual(cli, "Passphrase of the archive: ", is_new)
}

/// The passphrase that a key gets instead of the one it has.
pub(crate) fn replacing_passphrase(file: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    passphrase(Wanted {
        file,
        variable: "ALIMENTAR_NEW_PASSPHRASE",
        flag: "--new-passphrase-file",
        prompt: "New passphrase: ",
        is_new: true,
    })
}

fn usual(cli: &Cli, prompt: &'static str, is_new: bool) -> Result<Zeroizing<String>, Failure> {
    passphrase(Wanted {
        file: cli.passphrase_file.as_deref(),
        variable: VARIABLE,
        flag: FLAG,
        prompt,
        is_new,
    })
}

/// A passphrase as it was given; one of which nothing counts is an error.
fn passphrase(wanted: Wanted<'_>) -> Result<Zeroizing<String>, Failure> {
    let given = given(wanted)?;
    match normal_passphrase(&given).is_empty() {
        true => Err(Error::from(KeyringError::NoPassphrase).into()),
        false => Ok(given),
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "a passphrase may come in by a variable"
)]
fn given(wanted: Wanted<'_>) -> Result<Zeroizing<String>, Failure> {
    if let Some(path) = wanted.file {
        return from_file(path);
    }
    match std::env::var(wanted.variable) {
        Ok(text) => return Ok(Zeroizing::new(text)),
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(Failure::usage(
                "the passphrase in the variable is not UTF-8",
            ));
        }
        Err(std::env::VarError::NotPresent) => {}
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
    if wanted.is_new
        && *normal_passphrase(&typed) != *normal_passphrase(&ask("The same again: ").map_err(fail)?)
    {
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
