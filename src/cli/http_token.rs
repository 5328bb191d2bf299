//! The tokens of clients over HTTP: of an option, of the environment, or of the home, where one is made.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::env;
use crate::cli::exit::Failure;
use crate::file_io::IfExists;
use crate::file_io::read_own_text;
use crate::file_io::write_atomically;
use crate::keyring::BearerToken;
use crate::registry::Error;

/// The longest token file.
const TOKEN_BYTES_MAX: usize = 4096;

/// The places of the token of one kind of server.
pub(in crate::cli) struct TokenPlace {
    /// The file in the home.
    pub(in crate::cli) file: &'static str,
    /// The variable of the environment.
    pub(in crate::cli) variable: &'static str,
}

/// Finds the token, and the file in the home that has it. Loopback needs none.
///
/// # Errors
/// [`Failure`] for a token that is too short or has spaces, and a file that cannot be read or made.
pub(in crate::cli) fn find_token(
    place: &TokenPlace,
    given: Option<&Path>,
    is_loopback: bool,
    home: &Path,
) -> Result<Option<(BearerToken, Option<PathBuf>)>, Failure> {
    if let Some(path) = given {
        return Ok(Some((read_token(path)?, None)));
    }
    let variable = place.variable;
    let unusable = || Failure::Misused {
        message: format!("{variable} is too short or has spaces: 16 visible characters at least"),
        hint: format!("unset {variable}, or set it to a longer one"),
    };
    if let Some(text) = env::secret(variable).map_err(|_| unusable())? {
        let token = BearerToken::new(text.trim()).ok_or_else(unusable)?;
        return Ok(Some((token, None)));
    }
    if is_loopback {
        return Ok(None);
    }
    let path = home.join(place.file);
    if !path.exists() {
        make_token(&path, home)?;
    }
    Ok(Some((read_token(&path)?, Some(path))))
}

fn make_token(path: &Path, home: &Path) -> Result<(), Failure> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::machine("read random bytes", std::io::Error::other(e)))?;
    let text: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    fs::create_dir_all(home).map_err(|e| Error::file("create", home, e))?;
    let text = format!("{text}\n");
    write_atomically(path, text.as_bytes(), Some(0o600), IfExists::Refuse)
        .map_err(|e| Error::file("write", path, e))?;
    Ok(())
}

fn read_token(path: &Path) -> Result<BearerToken, Failure> {
    let text = read_own_text(path, TOKEN_BYTES_MAX).map_err(|e| Error::file("read", path, e))?;
    let line = text.lines().next().unwrap_or_default().trim();
    BearerToken::new(line).ok_or(Failure::usage(
        "the token is too short or has spaces: 16 visible characters at least",
    ))
}
