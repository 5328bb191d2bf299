//! Errors of the export and import of archives, beyond those of the format, and of fetches.

use std::path::PathBuf;
use thiserror::Error as ThisError;

use crate::archive_check::words;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;

/// Reason that an archive cannot be written or opened, or a fetch not kept.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum TransferError {
    /// The base of an incremental archive is not held.
    #[error("{}", words::base_missing(name, version, content_id))]
    BaseMissing {
        /// The base's name where the archive was made.
        name: String,
        /// The base's version.
        version: String,
        /// The base's content id.
        content_id: String,
    },
    /// No key or passphrase at hand opens the encrypted archive.
    #[error("{}", words::locked(&.0.display().to_string()))]
    Locked(PathBuf),
    /// A dataset of which a part is here has no room for the rest.
    #[error("what is fetched of `{dataset}` cannot be kept: {reason}")]
    NotKept {
        /// The dataset.
        dataset: String,
        /// The cause.
        reason: String,
    },
    /// The requested volume size is too small.
    #[error("volumes must have at least {0} bytes")]
    SplitTooSmall(u64),
}

impl TransferError {
    /// Returns advice for the user.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::BaseMissing { .. } => words::BASE_MISSING_HINT,
            Self::Locked(_) => words::LOCKED_HINT,
            Self::NotKept { .. } => "`registry pull` takes all of it",
            Self::SplitTooSmall(_) => return None,
        })
    }
}

impl Classify for TransferError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::BaseMissing { .. } => ErrorKind::NotFound,
            Self::Locked(_) => ErrorKind::Denied,
            Self::NotKept { .. } => ErrorKind::NoSpace,
            Self::SplitTooSmall(_) => ErrorKind::Invalid,
        }
    }
}
