//! Errors of version numbers and of restoring removed datasets.

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;

/// Reason that a version number cannot be assigned, or a dataset cannot be restored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LifeError {
    /// The name and version belonged to other content, which was removed or renamed since.
    #[error(
        "`{name}@{version}` was the content {given} before; a version number is never given again"
    )]
    VersionGiven {
        /// The name.
        name: DatasetName,
        /// The version.
        version: DatasetVersion,
        /// The content that it belonged to.
        given: ContentId,
    },
    /// No removed or held dataset matches.
    #[error("no removed dataset `{0}` here")]
    NotRemoved(String),
    /// The dataset was removed, and its blobs were collected.
    #[error("cannot restore {0}: its bytes were given up")]
    Collected(String),
}

impl LifeError {
    /// Returns advice for the user.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::VersionGiven { .. } => {
                "others may have that version; give another --version, or none to get the next"
            }
            Self::NotRemoved(_) => "`registry restore --list` shows what can be restored",
            Self::Collected(_) => {
                "index it again, import it from an archive or pull it from a peer"
            }
        }
    }
}

impl Classify for LifeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::VersionGiven { .. } => ErrorKind::Conflict,
            Self::NotRemoved(_) | Self::Collected(_) => ErrorKind::NotFound,
        }
    }
}
