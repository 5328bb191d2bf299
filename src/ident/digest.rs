//! Digests and random identifiers as distinct types. See `spec/identifiers.md`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::ident::hex::from_hex;
use crate::ident::hex::to_hex;
use crate::ident::key_text::key_bytes;

/// Failure to parse an identifier.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentError {
    /// The text is not hexadecimal, or has another length.
    #[error("`{0}` is not a content id: 64 hexadecimal digits, or at least 8 of them")]
    Hex(String),
    /// The text is not a dataset name.
    #[error(
        "`{0}` is not a dataset name: letters and digits of any script, `.`, `_` and `-`, at most 128 bytes, a letter or digit first"
    )]
    Name(String),
    /// The text is not a version.
    #[error("`{0}` is not a version such as 1.2.0")]
    Version(String),
    /// The text selects no version: it is no version, range or alias.
    #[error("`{0}` is not a version such as 1.2.0, a range such as 1.2, ^1 or >=1,<2, or an alias")]
    Pick(String),
    /// The text is not an alias of a version.
    #[error(
        "`{0}` is not an alias of a version: letters, digits, `.`, `_` and `-`, at most 40 bytes, a letter first, and nothing that reads as a version or range"
    )]
    VersionAlias(String),
    /// The text is not a public key.
    #[error("`{0}` is not a publisher's key: 64 hexadecimal digits, or `did:key:z6Mk…`")]
    Key(String),
    /// The text is not a local name of a publisher or a node.
    #[error(
        "`{0}` is not a name for a publisher or a node: letters, digits, blanks, `.`, `_` and `-`, at most 128 bytes, a letter or digit first"
    )]
    Alias(String),
    /// The text is not a reference.
    #[error(
        "`{0}` is not a reference: a content id, `name`, `name@1.2.0`, `name@1.2`, `name@^1`, `name@ALIAS` or `publisher/name`"
    )]
    Reference(String),
}

macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $size:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $size]);

        impl $name {
            /// Makes the identifier from its bytes.
            pub const fn new(bytes: [u8; $size]) -> Self {
                Self(bytes)
            }

            /// Returns its bytes.
            pub const fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }

            /// Returns all digits in lower-case hexadecimal.
            pub fn to_hex(&self) -> String {
                to_hex(&self.0)
            }

            /// Parses the identifier from all its hexadecimal digits; `None` for any other text.
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
            /// Returns the BLAKE3 hash of these bytes.
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
    /// Content id of a dataset: BLAKE3 of the file, or of a directory's canonical file table.
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
    /// BLAKE3 of a stored blob of any kind.
    BlobId
}
bytes_id! {
    /// Identity of a dataset under one publisher: random, made at first publication, kept by renames.
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
    /// Returns the content id of one file with these bytes.
    pub fn from_bytes(data: &[u8]) -> Self {
        Self(*blake3::hash(data).as_bytes())
    }

    /// Returns the first ten digits, for display.
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

    /// Parses any of the usual spellings of a public key.
    fn from_str(text: &str) -> Result<Self, IdentError> {
        let bytes = key_bytes(text).map(Self);
        bytes.ok_or_else(|| IdentError::Key(text.chars().take(100).collect()))
    }
}

/// A detached Ed25519 signature and the key that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The signer's key.
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
    /// Minimum number of digits. Fewer would be ambiguous too easily.
    pub const DIGITS_MIN: usize = 8;

    /// Parses a prefix; `None` when it is too short, too long, or not hexadecimal.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (Self::DIGITS_MIN..=64).contains(&text.len());
        (fits && text.bytes().all(|b| b.is_ascii_hexdigit()))
            .then(|| Self(text.to_ascii_lowercase()))
    }

    /// Returns the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true if the id begins with these digits.
    pub fn matches(&self, id: &ContentId) -> bool {
        id.to_hex().starts_with(&self.0)
    }

    /// Returns the smallest id that begins with these digits.
    pub fn lowest(&self) -> ContentId {
        let padded = format!("{:0<64}", self.0);
        ContentId::parse_hex(&padded).unwrap_or(ContentId::new([0; 32]))
    }
}
