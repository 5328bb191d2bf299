//! Digests and random identifiers as distinct types. See `spec/identifiers.md`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::ident::key_text::key_bytes;

/// Why a text is not an identifier.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentError {
    /// Not hexadecimal, or not of the right length.
    #[error("`{0}` is not a content id: 64 hexadecimal digits, or at least 8 of them")]
    Hex(String),
    /// Not a dataset name.
    #[error(
        "`{0}` is not a dataset name: letters and digits of any script, `.`, `_` and `-`, at most 128 bytes, a letter or digit first"
    )]
    Name(String),
    /// Not a version.
    #[error("`{0}` is not a version such as 1.2.0")]
    Version(String),
    /// Nothing that chooses a version.
    #[error("`{0}` is not a version such as 1.2.0, a range such as 1.2, ^1 or >=1,<2, or an alias")]
    Pick(String),
    /// Not an alias.
    #[error(
        "`{0}` is not an alias of a version: letters, digits, `.`, `_` and `-`, at most 40 bytes, a letter first, and nothing that reads as a version or range"
    )]
    VersionAlias(String),
    /// Not a public key.
    #[error("`{0}` is not a publisher's key: 64 hexadecimal digits, or `did:key:z6Mk…`")]
    Key(String),
    /// Not a local name of a publisher or a node.
    #[error(
        "`{0}` is not a name for a publisher or a node: letters, digits, blanks, `.`, `_` and `-`, at most 128 bytes, a letter or digit first"
    )]
    Alias(String),
    /// Not a reference.
    #[error(
        "`{0}` is not a reference: a content id, `name`, `name@1.2.0`, `name@1.2`, `name@^1`, `name@ALIAS` or `publisher/name`"
    )]
    Reference(String),
}

/// Lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| DIGITS.get(usize::from(n)).map_or('0', |d| char::from(*d));
    bytes
        .iter()
        .flat_map(|b| [digit(b >> 4), digit(b & 15)])
        .collect()
}

/// Bytes of hexadecimal of exactly the right length; upper case is accepted.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if text.len() != N.checked_mul(2)? {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |c: u8| {
            char::from(c)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(out)
}

macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $size:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $size]);

        impl $name {
            /// From its bytes.
            pub const fn new(bytes: [u8; $size]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }

            /// All digits in lower-case hexadecimal.
            pub fn to_hex(&self) -> String {
                to_hex(&self.0)
            }

            /// From all digits in hexadecimal; `None` when it is anything else.
            pub fn parse_hex(text: &str) -> Option<Self> {
                from_hex(text).map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.to_hex())
            }
        }
    };
}

macro_rules! digest_id {
    ($(#[$doc:meta])* $name:ident) => {
        bytes_id!($(#[$doc])* $name, 32);

        impl $name {
            /// The BLAKE3 hash of these bytes.
            pub fn of(bytes: &[u8]) -> Self {
                Self(*blake3::hash(bytes).as_bytes())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.to_hex())
            }
        }
    };
}

bytes_id! {
    /// What a dataset's bytes are: BLAKE3 of the file, or of a directory's canonical file table.
    ContentId, 32
}
digest_id! {
    /// BLAKE3 of a chunk's bytes.
    ChunkId
}
digest_id! {
    /// BLAKE3 of an encoded node of a chunk tree; of the root node, it names the whole tree.
    TreeId
}
digest_id! {
    /// BLAKE3 of an encoded envelope: one published state of a dataset's metadata.
    EnvelopeId
}
digest_id! {
    /// BLAKE3 of a stored blob whatever its kind.
    BlobId
}
bytes_id! {
    /// A dataset's life under one publisher: random, made at first publication, kept by renames.
    SeriesId, 16
}
bytes_id! {
    /// A publisher: an Ed25519 public key, in RFC 8032's encoding.
    PublisherKey, 32
}
digest_id! {
    /// BLAKE3 of an encoded statement: a withdrawal, a rotation or a revocation.
    StatementId
}
bytes_id! {
    /// The node that made an edit; the key of vector-clock entries.
    NodeId, 32
}

impl ContentId {
    /// The content id of one file with these bytes.
    pub fn from_bytes(data: &[u8]) -> Self {
        Self(*blake3::hash(data).as_bytes())
    }

    /// The first digits, enough for people.
    pub fn short(&self) -> String {
        self.to_hex().chars().take(10).collect()
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alimentar:{}", self.to_hex())
    }
}

impl FromStr for ContentId {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let hex = text.strip_prefix("alimentar:").unwrap_or(text);
        Self::parse_hex(hex).ok_or_else(|| IdentError::Hex(text.to_owned()))
    }
}

impl fmt::Display for SeriesId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Display for PublisherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl FromStr for PublisherKey {
    type Err = IdentError;

    /// Any of the spellings in which people pass keys around.
    fn from_str(text: &str) -> Result<Self, IdentError> {
        let bytes = key_bytes(text).map(Self);
        bytes.ok_or_else(|| IdentError::Key(text.chars().take(100).collect()))
    }
}

/// A detached Ed25519 signature and the key that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Who signed.
    pub key: PublisherKey,
    /// R and S, in RFC 8032's encoding.
    pub bytes: [u8; 64],
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// The first digits of a content id, at least [`HexPrefix::DIGITS_MIN`], lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HexPrefix(String);

impl HexPrefix {
    /// Fewer digits than this would be ambiguous too easily.
    pub const DIGITS_MIN: usize = 8;

    /// From digits; `None` when too few, too many, or not hexadecimal.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (Self::DIGITS_MIN..=64).contains(&text.len());
        (fits && text.bytes().all(|b| b.is_ascii_hexdigit()))
            .then(|| Self(text.to_ascii_lowercase()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id begins with these digits.
    pub fn matches(&self, id: &ContentId) -> bool {
        id.to_hex().starts_with(&self.0)
    }

    /// The smallest id that begins with these digits.
    pub fn lowest(&self) -> ContentId {
        let padded = format!("{:0<64}", self.0);
        ContentId::parse_hex(&padded).unwrap_or(ContentId::new([0; 32]))
    }
}
