//! Errors of content that is damaged, or is not as its manifest says.

use thiserror::Error as ThisError;

use crate::archive_check::Expansion;
use crate::archive_check::words;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::store::disk::StoreError;

/// Reason that the content of a dataset is refused.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum IntegrityError {
    /// A dataset's bytes are damaged.
    #[error("{}", words::damaged(dataset, file))]
    Corrupt {
        /// The dataset.
        dataset: String,
        /// The damaged file.
        file: String,
        /// The cause.
        source: Box<StoreError>,
    },
    /// A dataset's bytes are intact but do not match its content id.
    #[error("{}", words::other_content(dataset, file))]
    Mismatch {
        /// The dataset.
        dataset: String,
        /// The file that differs.
        file: String,
    },
    /// A manifest, its file table or its tree makes a false claim.
    #[error("{}", words::false_claim(dataset, claim))]
    FalseClaim {
        /// The dataset.
        dataset: String,
        /// The claim and the actual value.
        claim: String,
    },
    /// A remote dataset is far larger than its distinct chunks.
    #[error("`{dataset}`: {}", expansion.reason())]
    TooLarge {
        /// The dataset.
        dataset: String,
        /// Its claimed and its distinct size.
        expansion: Expansion,
    },
}

impl IntegrityError {
    /// Returns advice for the user.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::FalseClaim { .. } => words::FALSE_CLAIM_HINT,
            Self::TooLarge { .. } => {
                "it may be honest, for example many copies of one file; it takes the time and space of all it claims"
            }
            Self::Corrupt { .. } | Self::Mismatch { .. } => return None,
        })
    }
}

impl Classify for IntegrityError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. } => ErrorKind::Denied,
            Self::Corrupt { .. } | Self::Mismatch { .. } | Self::FalseClaim { .. } => {
                ErrorKind::Integrity
            }
        }
    }
}
