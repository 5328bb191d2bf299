//! Tokens, their access keys and their secrets.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::clock::Timestamp;

/// Purpose of the derived secrets, as BLAKE3 wants it. It never changes.
const CONTEXT: &str = "alimentar 2026-11-30 secret of an access token";
/// First characters of each secret, so that scanners for leaked secrets find it.
const SECRET_MARK: &str = "alim_";
/// First characters of each access key.
const ACCESS_KEY_MARK: &str = "ALIM";
/// Characters of access keys.
const ACCESS_KEY_DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A named token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The name here, of the form of an alias.
    pub name: String,
    /// The public half: the access key id of S3.
    pub access_key: String,
    /// The references of the datasets that it is limited to; empty for all that are served.
    pub datasets: Vec<String>,
    /// True if it may add datasets, where the server takes any.
    pub can_write: bool,
    /// The time that it was made.
    pub created: Timestamp,
    /// The time of a recent use; `None` before the first.
    pub last_used: Option<Timestamp>,
}

/// The secret half of a token: the bearer token of HTTP, and the secret access key of S3.
#[derive(Clone)]
pub struct TokenSecret(Zeroizing<String>);

impl TokenSecret {
    /// Derives the secret of an access key from the key of the server.
    pub(super) fn derive(server_key: &[u8; 32], access_key: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(server_key).update(access_key.as_bytes());
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(SECRET_MARK);
        URL_SAFE_NO_PAD.encode_string(hasher.finalize().as_bytes(), &mut text);
        Self(text)
    }

    /// Returns the text, for one who shows it or signs with it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(…)")
    }
}

/// BLAKE3 of a secret, which is kept instead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SecretHash(pub(super) [u8; 32]);

impl SecretHash {
    pub(super) fn of(secret: &str) -> Self {
        Self(*blake3::hash(secret.as_bytes()).as_bytes())
    }
}

/// Makes an access key of random bytes: 20 characters, as those of AWS.
pub(super) fn access_key(noise: &[u8; 16]) -> String {
    let digits = noise.iter().filter_map(|byte| {
        let digit = ACCESS_KEY_DIGITS.get(usize::from(byte & 31));
        digit.copied().map(char::from)
    });
    ACCESS_KEY_MARK.chars().chain(digits).collect()
}
