//! The age file format, version 1: encryption of archives that stock `age` opens.
//!
//! Specification: <https://age-encryption.org/v1>. Only binary files with recipients of the types
//! X25519 and scrypt are here; text armor, plugins, SSH keys and post-quantum recipients are not.
//!
//! - `header`: the text in front, its stanzas and its MAC;
//! - `keys`: identities and recipients, and their text;
//! - `stanzas`: how a file key is wrapped for a recipient or a passphrase;
//! - `encrypt`, `decrypt`: a whole file;
//! - `stream`: the payload, in chunks of 64 KiB.

mod decrypt;
mod encrypt;
mod header;
mod keys;
mod stanzas;
mod stream;
#[cfg(test)]
mod tests;

pub use decrypt::Decryptor;
pub use encrypt::Random;
pub use encrypt::Recipients;
pub use encrypt::encrypt;
pub use header::MAGIC;
pub use keys::Identity;
pub use keys::KeyError;
pub use keys::Recipient;
pub use stream::StreamReader;
pub use stream::StreamWriter;

use std::io;

use hkdf::Hkdf;
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of the key that encrypts one file.
const FILE_KEY_BYTES: usize = 16;
/// Bytes of the tag that ChaCha20-Poly1305 appends.
const TAG_BYTES: usize = 16;

/// The key of one file, erased when it is dropped.
type FileKey = Zeroizing<[u8; FILE_KEY_BYTES]>;
/// A key of ChaCha20-Poly1305 or HMAC, erased when it is dropped.
type SymmetricKey = Zeroizing<[u8; 32]>;

/// An error of the age format.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AgeError {
    /// The header breaks the format or a limit.
    #[error("the header of the age file is damaged")]
    Header,
    /// The passphrase would take more work than the limit allows.
    #[error("the age file asks for more than 2^{max} steps of work", max = crate::wire::limits::AGE_WORK_FACTOR_MAX)]
    Work,
    /// No identity or passphrase unwraps the key of the file.
    #[error("no key opens the age file")]
    NoMatch,
    /// The header was changed after the file was encrypted.
    #[error("the header of the age file was changed")]
    Mac,
    /// The file has no recipient, or more than the limit allows.
    #[error("an age file has at least one recipient and at most {max}", max = crate::wire::limits::AGE_STANZAS_MAX)]
    Recipients,
    /// A cryptographic primitive rejected its parameters or its random bytes.
    #[error("a key could not be derived")]
    Derivation,
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Derives a key by HKDF with SHA-256 (RFC 5869).
fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> Result<SymmetricKey, AgeError> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(info, key.as_mut_slice())
        .map_err(|_| AgeError::Derivation)?;
    Ok(key)
}
