//! Errors of the check of an archive.

use thiserror::Error;

use crate::archive::ArchiveError;
use crate::archive_check::words;
use crate::blob_store::BlobError;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::manifest::TreeError;
use crate::trust::SignatureError;
use crate::trust::StatementError;

/// Reason that an archive is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The archive is invalid.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A base of the archive is not here.
    #[error("{}", words::base_missing(name, version, content_id))]
    BaseMissing {
        /// The base's name where the archive was made.
        name: String,
        /// The base's version.
        version: String,
        /// The base's content id.
        content_id: String,
    },
    /// The bytes of a dataset are damaged.
    #[error("{}", words::damaged(dataset, file))]
    Corrupt {
        /// The dataset.
        dataset: String,
        /// The damaged file.
        file: String,
        /// The cause.
        source: Box<TreeError>,
    },
    /// A manifest, its file table or its tree makes a false claim.
    #[error("{}", words::false_claim(dataset, claim))]
    FalseClaim {
        /// The dataset.
        dataset: String,
        /// The claim and the actual value.
        claim: String,
    },
    /// The caller cancelled the work.
    #[error("interrupted")]
    Interrupted,
    /// The archive is encrypted.
    #[error("{}", words::locked(.0))]
    Locked(String),
    /// The bytes of a dataset are intact but do not match its content id.
    #[error("{}", words::other_content(dataset, file))]
    Mismatch {
        /// The dataset.
        dataset: String,
        /// The file that differs.
        file: String,
    },
    /// The signature of a manifest is invalid.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A signed manifest makes a false claim.
    #[error("{}", words::signed_lie(signer))]
    SignedLie {
        /// The signer.
        signer: String,
        /// The false claim.
        source: Box<CheckError>,
    },
    /// A statement of a publisher is invalid.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A tree of the archive is invalid.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl CheckError {
    /// Returns advice for the user, in the words of the command line.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Archive(ArchiveError::Frame(_)) => words::FRAME_HINT,
            Self::Archive(_) => words::ARCHIVE_HINT,
            Self::BaseMissing { .. } => words::BASE_MISSING_HINT,
            Self::FalseClaim { .. } => words::FALSE_CLAIM_HINT,
            Self::Locked(_) => words::LOCKED_HINT,
            Self::SignedLie { .. } => words::SIGNED_LIE_HINT,
            Self::Corrupt { .. }
            | Self::Interrupted
            | Self::Mismatch { .. }
            | Self::Signature(_)
            | Self::Statement(_)
            | Self::Tree(_) => return None,
        })
    }

    /// Attributes a false claim to the signer of its manifest, if it is signed.
    pub(crate) fn of_signer(self, signer: Option<String>) -> Self {
        match (self.kind(), signer) {
            (ErrorKind::Integrity, Some(signer)) => Self::SignedLie {
                signer,
                source: Box::new(self),
            },
            (_, _) => self,
        }
    }
}

impl From<BlobError> for CheckError {
    fn from(error: BlobError) -> Self {
        Self::Tree(TreeError::Blob(error))
    }
}

impl Classify for CheckError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Archive(e) => e.kind(),
            Self::BaseMissing { .. } => ErrorKind::NotFound,
            Self::Corrupt { .. }
            | Self::FalseClaim { .. }
            | Self::Mismatch { .. }
            | Self::SignedLie { .. } => ErrorKind::Integrity,
            Self::Interrupted => ErrorKind::Interrupted,
            Self::Locked(_) => ErrorKind::Denied,
            Self::Signature(e) => e.kind(),
            Self::Statement(e) => e.kind(),
            Self::Tree(e) => e.kind(),
        }
    }
}
