//! Keys of the type X25519 and their Bech32 text.

use std::fmt;
use std::str::FromStr;

use bech32::Bech32;
use bech32::Hrp;
use bech32::primitives::decode::CheckedHrpstring;
use thiserror::Error;
use x25519_dalek::PublicKey;
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

const IDENTITY_PREFIX: Hrp = Hrp::parse_unchecked("age-secret-key-");
const RECIPIENT_PREFIX: Hrp = Hrp::parse_unchecked("age");
/// Characters of an identity: its prefix, the separator, 52 for the key and 6 for the checksum.
const IDENTITY_CHARS: usize = 15 + 1 + 52 + 6;

/// An error in the text of a key.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not Bech32, or its checksum differs.
    #[error("not a key: a character is wrong or missing")]
    Encoding,
    /// The text holds a key of another type.
    #[error("a key of another type")]
    Prefix,
    /// The key is longer or shorter than 32 bytes.
    #[error("the key does not have 32 bytes")]
    Length,
}

/// Decodes 32 bytes of Bech32.
fn decode(text: &str, prefix: Hrp) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let checked = CheckedHrpstring::new::<Bech32>(text).map_err(|_| KeyError::Encoding)?;
    if checked.hrp() != prefix {
        return Err(KeyError::Prefix);
    }
    let mut key = Zeroizing::new([0; 32]);
    let mut bytes = checked.byte_iter();
    for to in key.iter_mut() {
        *to = bytes.next().ok_or(KeyError::Length)?;
    }
    match bytes.next() {
        None => Ok(key),
        Some(_) => Err(KeyError::Length),
    }
}

/// A secret key, erased when it is dropped.
#[derive(Clone)]
pub struct Identity(pub(super) StaticSecret);

impl Identity {
    /// Makes an identity of 32 fresh random bytes.
    pub fn from_random(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(StaticSecret::from(*bytes))
    }

    /// Returns the public key.
    pub fn recipient(&self) -> Recipient {
        Recipient(PublicKey::from(&self.0))
    }

    /// Returns the text that `age-keygen` writes: `AGE-SECRET-KEY-1…`.
    ///
    /// # Errors
    /// [`KeyError`], which a key of 32 bytes never causes.
    pub fn to_secret_text(&self) -> Result<Zeroizing<String>, KeyError> {
        // Written into one allocation: a string that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(IDENTITY_CHARS));
        bech32::encode_upper_to_fmt::<Bech32, _>(&mut *text, IDENTITY_PREFIX, self.0.as_bytes())
            .map_err(|_| KeyError::Length)?;
        Ok(text)
    }
}

impl FromStr for Identity {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        decode(text, IDENTITY_PREFIX).map(Self::from_random)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.recipient())
    }
}

/// A public key, to which files are encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Recipient(pub(super) PublicKey);

impl FromStr for Recipient {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let key = decode(text, RECIPIENT_PREFIX)?;
        Ok(Self(PublicKey::from(*key)))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_lower_to_fmt::<Bech32, _>(f, RECIPIENT_PREFIX, self.0.as_bytes())
            .map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({self})")
    }
}
