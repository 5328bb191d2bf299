//! The seam between what is stored and where: immutable blobs named by their BLAKE3 hash. A
//! memory backend and the disk pass the same tests, and everything above walks trees and reads
//! files through this trait alone.

use std::fmt;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::BlobId;

/// What a blob is. Numbers as in `spec/pack.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlobKind {
    /// A piece of a dataset's bytes, or of a file table.
    Chunk,
    /// A node of a chunk tree.
    Node,
    /// A manifest with its signature.
    Envelope,
    /// A dataset card.
    Card,
    /// The ids of envelopes that were removed.
    Tombstone,
    /// What a publisher stated besides manifests.
    Statement,
}

impl BlobKind {
    /// The number in records and keys.
    pub const fn number(self) -> u8 {
        match self {
            Self::Chunk => 1,
            Self::Node => 2,
            Self::Envelope => 3,
            Self::Card => 4,
            Self::Tombstone => 5,
            Self::Statement => 6,
        }
    }

    /// The kind of a number; `None` where this program does not know it.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Chunk),
            2 => Some(Self::Node),
            3 => Some(Self::Envelope),
            4 => Some(Self::Card),
            5 => Some(Self::Tombstone),
            6 => Some(Self::Statement),
            _ => None,
        }
    }

    /// The word for it in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chunk => "chunk",
            Self::Node => "tree node",
            Self::Envelope => "manifest",
            Self::Card => "card",
            Self::Tombstone => "tombstone",
            Self::Statement => "statement",
        }
    }

    /// Whether the tables above the store are made of blobs of this kind.
    pub const fn is_entry(self) -> bool {
        matches!(self, Self::Envelope | Self::Tombstone | Self::Statement)
    }
}

/// Names one blob: what it is and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey {
    /// What it is.
    pub kind: BlobKind,
    /// BLAKE3 of its bytes.
    pub id: BlobId,
}

impl BlobKey {
    /// The key of a blob of this kind and hash.
    pub const fn new(kind: BlobKind, hash: [u8; 32]) -> Self {
        Self {
            kind,
            id: BlobId::new(hash),
        }
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.id.to_hex();
        write!(f, "{} {}", self.kind.name(), hex.get(..16).unwrap_or(&hex))
    }
}

/// Why a blob could not be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlobError {
    /// It is not in the store.
    #[error("{0} is missing from the store")]
    Missing(BlobKey),
    /// It is there, but its bytes are not those that its name says.
    #[error("{0} is damaged in the store")]
    Corrupt(BlobKey),
    /// It is stored as a delta against a blob that is not there, not whole, or itself one.
    #[error("{key} is a delta against {base}, which cannot be read")]
    Base {
        /// What was asked for.
        key: BlobKey,
        /// What it needs.
        base: BlobKey,
    },
    /// The store itself failed.
    #[error("the store failed")]
    Backend {
        /// What kind of failure.
        kind: ErrorKind,
        /// The store's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Classify for BlobError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing(_) | Self::Corrupt(_) | Self::Base { .. } => ErrorKind::Integrity,
            Self::Backend { kind, .. } => *kind,
        }
    }
}

/// Holds immutable blobs. What `get` returns has been checked against its hash.
pub trait BlobStore: Send + Sync {
    /// The bytes of a blob.
    ///
    /// # Errors
    /// [`BlobError`] when it is missing, damaged, or the store failed.
    fn get(&self, key: &BlobKey) -> Result<Vec<u8>, BlobError>;

    /// Which of these are held, in the order asked.
    ///
    /// # Errors
    /// [`BlobError::Backend`] when the store failed.
    fn has(&self, keys: &[BlobKey]) -> Result<Vec<bool>, BlobError>;

    /// Keeps a blob; keeping it again changes nothing.
    ///
    /// # Errors
    /// [`BlobError::Backend`] when the store failed.
    fn put(&self, kind: BlobKind, bytes: &[u8]) -> Result<BlobKey, BlobError>;
}
