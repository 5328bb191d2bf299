//! What is wrong with giving a version number, or with bringing back what was removed.

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;

/// Why a version number cannot be given, or a dataset not be restored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LifeError {
    /// A name and version stood for other content, which was removed or renamed since.
    #[error(
        "`{name}@{version}` was the content {given} before; a version number is never given again"
    )]
    VersionGiven {
        /// The name.
        name: DatasetName,
        /// The version.
        version: DatasetVersion,
        /// What it stood for.
        given: ContentId,
    },
    /// Nothing that fits was removed, and nothing is here.
    #[error("no removed dataset `{0}` here")]
    NotRemoved(String),
    /// It was removed, and what it needs was given up.
    #[error("cannot restore {0}: its bytes were given up")]
    Collected(String),
}

impl LifeError {
    /// What to do about it.
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
