//! What can go wrong between a registry and its disk.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::manifest::TreeError;
use crate::meta_store::MetaError;
use crate::store::disk::io::is_refused;
use crate::wire::DecodeError;

/// Why the store could not do what was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused or failed.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The home was written by a newer version of the program.
    #[error("the store has format version {found}; this program knows up to {known}")]
    Newer {
        /// What the store says.
        found: u32,
        /// What this program reads.
        known: u32,
    },
    /// A pack's bytes are not a pack of a version this program reads.
    #[error("pack {number} cannot be read")]
    Pack {
        /// Its number.
        number: u32,
        /// Why.
        source: DecodeError,
    },
    /// A blob that the index says is there is not, or not whole.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A row of the index is wrong.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// A tree could not be walked.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// Stopped on request.
    #[error("interrupted")]
    Interrupted,
    /// A blob larger than a record may be.
    #[error("{key} is {bytes} bytes, more than a record holds")]
    TooLarge {
        /// Which.
        key: BlobKey,
        /// How long it is.
        bytes: usize,
    },
}

impl StoreError {
    /// An operating-system error on a path.
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.as_ref().to_owned(),
            source,
        }
    }
}

impl StoreError {
    /// Nothing can be written: the disk is full, or this process may not. What is there can be
    /// read.
    pub(crate) fn is_of_writing(&self) -> bool {
        match self {
            Self::Io { source, .. } if is_refused(source) => true,
            other => other.kind() == ErrorKind::NoSpace,
        }
    }

    /// This process may not write.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_refused(source))
    }
}

impl Classify for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { source, .. } => ErrorKind::of_io(source),
            Self::Newer { .. } => ErrorKind::Unsupported,
            Self::Pack {
                source: DecodeError::Version(_),
                ..
            } => ErrorKind::Unsupported,
            Self::Pack { .. } => ErrorKind::Integrity,
            Self::Blob(e) => e.kind(),
            Self::Meta(e) => e.kind(),
            Self::Tree(e) => e.kind(),
            Self::Interrupted => ErrorKind::Interrupted,
            Self::TooLarge { .. } => ErrorKind::Invalid,
        }
    }
}

impl From<StoreError> for BlobError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Blob(e) => e,
            other => Self::Backend {
                kind: other.kind(),
                source: Box::new(other),
            },
        }
    }
}
