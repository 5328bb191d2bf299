//! Passphrases, from a file, a variable or the terminal. They are never arguments, and never shown.

use std::io::IsTerminal as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::env;
use crate::cli::exit::Failure;
use crate::file_io::read_given_text;
use crate::keyring::KeyringError;
use crate::keyring::normal_passphrase;
use crate::registry::Error;

/// The largest file with a passphrase, which is a line that a person types.
const PASSPHRASE_BYTES_MAX: usize = 4096;

/// The ways in which a passphrase may come.
#[derive(Clone, Copy, Debug)]
struct PassphraseSource<'a> {
    file: Option<&'a Path>,
    variable: &'static str,
    /// The option that names the file.
    flag: &'static str,
    prompt: &'static str,
    /// The person types it twice.
    is_new: bool,
}

/// Reads the passphrase of a key that exists.
pub(crate) fn read_key_passphrase(ctx: &Context) -> Result<Zeroizing<String>, Failure> {
    read_usual(ctx, "Passphrase: ", false)
}

/// Reads the passphrase for a new key.
pub(crate) fn read_new_key_passphrase(ctx: &Context) -> Result<Zeroizing<String>, Failure> {
    read_usual(ctx, "Passphrase for the new key: ", true)
}

/// Reads the passphrase of an archive.
pub(crate) fn read_archive_passphrase(
    ctx: &Context,
    is_new: bool,
) -> Result<Zeroizing<String>, Failure> {
    read_usual(ctx, "Passphrase of the archive: ", is_new)
}

/// Reads the passphrase that replaces the one of a key.
pub(crate) fn read_replacement(file: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    read(PassphraseSource {
        file,
        variable: env::NEW_PASSPHRASE,
        flag: "--new-passphrase-file",
        prompt: "New passphrase: ",
        is_new: true,
    })
}

fn read_usual(
    ctx: &Context,
    prompt: &'static str,
    is_new: bool,
) -> Result<Zeroizing<String>, Failure> {
    read(PassphraseSource {
        file: ctx.global.passphrase_file.as_deref(),
        variable: env::PASSPHRASE,
        flag: "--passphrase-file",
        prompt,
        is_new,
    })
}

/// Reads a passphrase. One without a character that counts is an error.
fn read(source: PassphraseSource<'_>) -> Result<Zeroizing<String>, Failure> {
    let given = read_unchecked(source)?;
    if normal_passphrase(&given).is_empty() {
        return Err(Error::from(KeyringError::NoPassphrase).into());
    }
    Ok(given)
}

fn read_unchecked(source: PassphraseSource<'_>) -> Result<Zeroizing<String>, Failure> {
    if let Some(path) = source.file {
        return read_first_line(path);
    }
    let not_utf8 = |_| Failure::usage("the passphrase in the variable is not UTF-8");
    if let Some(text) = env::secret(source.variable).map_err(not_utf8)? {
        return Ok(Zeroizing::new(text));
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::NoPassphrase {
            flag: source.flag,
            variable: source.variable,
        });
    }
    let fail = |e| Failure::from(Error::machine("read from the terminal", e));
    let ask = |prompt| rpassword::prompt_password(prompt).map(Zeroizing::new);
    let typed = ask(source.prompt).map_err(fail)?;
    if source.is_new
        && *normal_passphrase(&typed) != *normal_passphrase(&ask("The same again: ").map_err(fail)?)
    {
        return Err(Failure::Misused {
            message: "the two passphrases differ".to_owned(),
            hint: "run it again, and type the same one twice".to_owned(),
        });
    }
    Ok(typed)
}

/// Reads the first line of a file.
fn read_first_line(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let fail = |e| Failure::from(Error::file("read", path, e));
    let text = read_given_text(path, PASSPHRASE_BYTES_MAX);
    let text = Zeroizing::new(text.map_err(fail)?);
    Ok(Zeroizing::new(
        text.lines().next().unwrap_or_default().to_owned(),
    ))
}
