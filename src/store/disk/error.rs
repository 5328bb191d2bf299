//! Errors of the disk store.

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

/// Failure of the store.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused or failed.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// The failed action.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A newer version of the program wrote the home.
    #[error("the store has format version {found}; this program knows up to {known}")]
    Newer {
        /// The version of the store.
        found: u32,
        /// The newest version that this program reads.
        known: u32,
    },
    /// A pack is not one of a version that this program reads.
    #[error("pack {number} cannot be read")]
    Pack {
        /// The pack's number.
        number: u32,
        /// The cause.
        source: DecodeError,
    },
    /// A blob in the index is missing or damaged.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A row of the index is invalid.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// A tree cannot be walked.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The caller stopped the operation.
    #[error("interrupted")]
    Interrupted,
    /// Another home keeps its blobs in the same directory. Each would remove blobs of the other.
    #[error("the packs in `{}` are those of the home `{}`", packs.display(), other.display())]
    SharedPacks {
        /// The directory of the packs.
        packs: PathBuf,
        /// The other home.
        other: PathBuf,
    },
    /// A blob is larger than a record may be.
    #[error("{key} is {bytes} bytes, more than a record holds")]
    TooLarge {
        /// The blob.
        key: BlobKey,
        /// Its length, in bytes.
        bytes: usize,
    },
}

impl StoreError {
    /// Makes the error of an operating-system failure on a path.
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.as_ref().to_owned(),
            source,
        }
    }
}

impl StoreError {
    /// Returns true if writing failed, because the disk is full or this process may not write. Reading
    /// may still work.
    pub(crate) fn is_of_writing(&self) -> bool {
        match self {
            Self::Io { source, .. } if is_refused(source) => true,
            other => other.kind() == ErrorKind::NoSpace,
        }
    }

    /// Returns true if this process may not write.
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
            Self::SharedPacks { .. } => ErrorKind::Conflict,
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
