//! Blob storage: the trait for immutable blobs named by their BLAKE3 hash.
//! The memory store and the disk store implement it and pass the same tests. Everything above walks
//! trees and reads files through this trait alone.

use std::fmt;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::BlobId;

/// The kind of a blob. `spec/pack.md` lists the numbers.
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
    /// A publisher's signed statement: a withdrawal, a rotation or a revocation.
    Statement,
}

impl BlobKind {
    /// Returns the kind's number in records and keys.
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

    /// Returns the kind with this number; `None` where this program does not know it.
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

    /// Returns the kind's name in messages.
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

    /// Returns true if the index tables above the store are built from blobs of this kind.
    pub const fn is_entry(self) -> bool {
        matches!(self, Self::Envelope | Self::Tombstone | Self::Statement)
    }
}

/// The key of a blob: its kind and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey {
    /// The blob's kind.
    pub kind: BlobKind,
    /// BLAKE3 of the blob's bytes.
    pub id: BlobId,
}

impl BlobKey {
    /// Makes the key of a blob of this kind and hash.
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

/// Failure to read or write a blob.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The store does not hold the blob.
    #[error("{0} is missing from the store")]
    Missing(BlobKey),
    /// The stored bytes do not have the hash in the blob's name.
    #[error("{0} is damaged in the store")]
    Corrupt(BlobKey),
    /// The blob is a delta, and its base is missing, damaged or itself a delta.
    #[error("{key} is a delta against {base}, which cannot be read")]
    Base {
        /// The requested blob.
        key: BlobKey,
        /// The base that it needs.
        base: BlobKey,
    },
    /// The backend of the store failed.
    #[error("the store failed")]
    Backend {
        /// The kind of failure.
        kind: ErrorKind,
        /// The backend's own error.
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

/// A store of immutable blobs. `get` checks the bytes against their hash before it returns them.
pub trait BlobStore: Send + Sync {
    /// Returns the bytes of a blob.
    ///
    /// # Errors
    /// [`BlobError`] when the blob is missing or damaged, or the store failed.
    fn get(&self, key: &BlobKey) -> Result<Vec<u8>, BlobError>;

    /// Returns, for each key in order, true if the store holds its blob.
    ///
    /// # Errors
    /// [`BlobError::Backend`] when the store failed.
    fn has(&self, keys: &[BlobKey]) -> Result<Vec<bool>, BlobError>;

    /// Stores a blob. Storing it again changes nothing.
    ///
    /// # Errors
    /// [`BlobError::Backend`] when the store failed.
    fn put(&self, kind: BlobKind, bytes: &[u8]) -> Result<BlobKey, BlobError>;
}
