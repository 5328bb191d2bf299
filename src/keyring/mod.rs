//! Secret keys on this machine: generates them, and stores them in files that only their owner may
//! read.
//!
//! Files are written atomically. `trust` defines their content, `passphrase` normalises
//! passphrases, `bearer_token` compares the tokens of HTTP clients, and `access_tokens` keeps the
//! named tokens of a home.

#[cfg(feature = "doors")]
mod access_tokens;
#[cfg(any(feature = "feature-server", feature = "mcp"))]
mod bearer_token;
mod passphrase;

use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
pub use crate::file_io::IfExists;
use crate::file_io::Place;
use crate::file_io::open_plain;
use crate::file_io::place_of;
pub use crate::file_io::write_atomically;
use crate::file_io::write_output;
#[cfg(feature = "doors")]
pub use crate::keyring::access_tokens::AccessToken;
#[cfg(feature = "doors")]
pub use crate::keyring::access_tokens::AccessTokens;
#[cfg(feature = "doors")]
pub use crate::keyring::access_tokens::TokenSecret;
#[cfg(any(feature = "feature-server", feature = "mcp"))]
pub use crate::keyring::bearer_token::BearerToken;
pub use crate::keyring::passphrase::normal_passphrase;
pub use crate::keyring::passphrase::passphrase_spellings;
use crate::trust::KeyCost;
use crate::trust::KeyFileError;
use crate::trust::KeyPair;
use crate::trust::LockedKey;
use crate::wire::limits::KEY_FILE_BYTES_MAX;

/// Reason that a key could not be read or stored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// A file operation failed.
    #[error("cannot {action} the key file `{}`", path.display())]
    File {
        /// The action that failed, as a verb.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A key already exists. Overwriting it would lose it for ever.
    #[error("`{}` exists already", .0.display())]
    Exists(PathBuf),
    /// Other users of this machine may read the file.
    #[error("the key file `{}` may be read by others (mode {mode:04o})", path.display())]
    Readable {
        /// The file.
        path: PathBuf,
        /// The file's mode.
        mode: u32,
    },
    /// The content of the file is invalid.
    #[error("cannot open the key file `{}`", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: KeyFileError,
    },
    /// The passphrase is empty and would protect nothing.
    #[error("the passphrase is empty")]
    NoPassphrase,
    /// The system returned no randomness.
    #[error("could not read random bytes")]
    Random(#[source] io::Error),
    /// A token has this name already.
    #[error("there is a token `{0}` already")]
    TokenExists(String),
    /// No token has this name.
    #[error("there is no token `{0}`")]
    NoToken(String),
    /// The file of the tokens is not understood.
    #[error("the file of the tokens `{}` is not understood: {why}", path.display())]
    Tokens {
        /// The file.
        path: PathBuf,
        /// The fault.
        why: String,
    },
}

impl Classify for KeyringError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::File { source, .. } => ErrorKind::of_io(source),
            Self::Exists(_) => ErrorKind::Conflict,
            Self::Readable { .. } => ErrorKind::Denied,
            Self::Key { source, .. } => source.kind(),
            Self::NoPassphrase => ErrorKind::Invalid,
            Self::Random(_) => ErrorKind::Io,
            Self::TokenExists(_) => ErrorKind::Conflict,
            Self::NoToken(_) => ErrorKind::NotFound,
            Self::Tokens { .. } => ErrorKind::Integrity,
        }
    }
}

impl KeyPair {
    /// Generates a key pair from the system's randomness.
    ///
    /// # Errors
    /// [`KeyringError::Random`].
    pub fn generate() -> Result<Self, KeyringError> {
        let mut seed = Zeroizing::new([0; 32]);
        fill(seed.as_mut_slice())?;
        Ok(Self::from_seed(&seed))
    }

    /// Writes the key pair into a file, encrypted with the normal form of a passphrase
    /// ([`normal_passphrase`]).
    ///
    /// # Errors
    /// [`KeyringError`]. An existing file stays unchanged then.
    pub fn save(
        &self,
        path: &Path,
        passphrase: &str,
        if_exists: IfExists,
    ) -> Result<(), KeyringError> {
        let passphrase = normal_passphrase(passphrase);
        if passphrase.is_empty() {
            return Err(KeyringError::NoPassphrase);
        }
        // Checked before the slow key derivation.
        if if_exists == IfExists::Refuse && is_taken(path) {
            return Err(KeyringError::Exists(path.to_owned()));
        }
        let (mut salt, mut nonce) = ([0; 16], [0; 12]);
        fill(&mut salt)?;
        fill(&mut nonce)?;
        let locked = LockedKey::lock(self, &passphrase, KeyCost::NOW, salt, nonce);
        let locked = locked.map_err(|source| key_error(path, source))?;
        let written = write_output(path, locked.encode().as_bytes(), if_exists, Some(0o600));
        written.map(drop).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyringError::Exists(path.to_owned()),
            _ => file_error("write", path, source),
        })
    }

    /// Reads a key pair from a file. It tries each of the [`passphrase_spellings`].
    ///
    /// # Errors
    /// [`KeyringError`] when others may read the file, it is damaged, or the passphrase is empty or
    /// wrong.
    pub fn load(path: &Path, passphrase: &str) -> Result<Self, KeyringError> {
        let locked = locked(path)?;
        if normal_passphrase(passphrase).is_empty() {
            return Err(KeyringError::NoPassphrase);
        }
        let mut opened = Err(KeyFileError::Passphrase);
        for spelling in passphrase_spellings(passphrase) {
            opened = locked.open(&spelling);
            if !matches!(opened, Err(KeyFileError::Passphrase)) {
                break;
            }
        }
        opened.map_err(|source| key_error(path, source))
    }
}

/// Returns true if a key written here would overwrite something.
pub fn is_taken(path: &Path) -> bool {
    matches!(place_of(path), Ok(Place::Plain(_) | Place::Directory))
}

/// Reads a key file without decrypting it.
///
/// # Errors
/// As [`KeyPair::load`].
pub fn locked(path: &Path) -> Result<LockedKey, KeyringError> {
    let fail = |source| file_error("read", path, source);
    let file = open_plain(path).map_err(fail)?;
    refuse_readable(&file, path)?;
    let mut bytes = Vec::new();
    let limit = KEY_FILE_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_end(&mut bytes).map_err(fail)?;
    LockedKey::decode(&bytes).map_err(|source| key_error(path, source))
}

/// Refuses a file with secrets that other users of this machine may read.
///
/// # Errors
/// [`KeyringError::Readable`], or [`KeyringError::File`] when it cannot be opened.
pub fn refuse_shared(path: &Path) -> Result<(), KeyringError> {
    let file = open_plain(path).map_err(|source| file_error("read", path, source))?;
    refuse_readable(&file, path)
}

#[cfg(unix)]
fn refuse_readable(file: &File, path: &Path) -> Result<(), KeyringError> {
    let metadata = file.metadata().map_err(|e| file_error("read", path, e))?;
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.to_owned();
    Err(KeyringError::Readable { path, mode })
}

#[cfg(not(unix))]
fn refuse_readable(_: &File, _: &Path) -> Result<(), KeyringError> {
    Ok(())
}

fn fill(bytes: &mut [u8]) -> Result<(), KeyringError> {
    getrandom::fill(bytes).map_err(|e| KeyringError::Random(io::Error::other(e)))
}

fn file_error(action: &'static str, path: &Path, source: io::Error) -> KeyringError {
    let path = path.to_owned();
    KeyringError::File {
        action,
        path,
        source,
    }
}

fn key_error(path: &Path, source: KeyFileError) -> KeyringError {
    let path = path.to_owned();
    KeyringError::Key { path, source }
}

/// File of the node's own key, below the home.
const NODE_KEY_FILE: &str = "node.key";

/// Returns the node's key, and creates it the first time. It is not encrypted: any reader of the
/// file can act as this node.
///
/// # Errors
/// [`KeyringError`] when it cannot be created, or others may read it.
pub fn node_key(home: &Path) -> Result<KeyPair, KeyringError> {
    let seed = made_seed(&home.join(NODE_KEY_FILE))?;
    Ok(KeyPair::from_seed(&seed))
}

/// Returns the 32 random bytes in a file, and creates the file the first time.
fn made_seed(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
    if !path.exists() {
        let mut seed = Zeroizing::new([0; 32]);
        fill(seed.as_mut_slice())?;
        let text = Zeroizing::new(crate::ident::to_hex(seed.as_slice()) + "\n");
        match write_atomically(path, text.as_bytes(), Some(0o600), IfExists::Refuse) {
            // Another process was faster, and its key wins.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            written => written.map_err(|e| file_error("write", path, e))?,
        }
    }
    read_seed(path)
}

/// Reads 32 bytes in hexadecimal from a file of this user alone.
fn read_seed(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
    let fail = |source| file_error("read", path, source);
    let file = open_plain(path).map_err(fail)?;
    refuse_readable(&file, path)?;
    let mut text = Zeroizing::new(String::new());
    file.take(128).read_to_string(&mut text).map_err(fail)?;
    let seed = crate::ident::from_hex(text.trim());
    let damaged = || key_error(path, KeyFileError::NotAKeyFile);
    Ok(Zeroizing::new(seed.ok_or_else(damaged)?))
}
