//! Errors of references, versions, and removed datasets.

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;

/// Reason that a dataset cannot be found, named or restored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The dataset's publisher has withdrawn it.
    #[error("`{dataset}` was withdrawn: {reason}")]
    Withdrawn {
        /// The dataset.
        dataset: String,
        /// The publisher's reason.
        reason: String,
    },
    /// No dataset matches the reference.
    #[error("no dataset `{0}` here")]
    NotFound(String),
    /// No dataset has this name, and some have a similar one.
    #[error("no dataset `{name}` here; did you mean {}?", near.join(" or "))]
    NearMiss {
        /// The name as typed.
        name: String,
        /// Names that differ by one or two letters.
        near: Vec<String>,
    },
    /// The dataset has no such file.
    #[error("no file `{path}` in `{dataset}`")]
    NoSuchFile {
        /// The path.
        path: String,
        /// The dataset.
        dataset: String,
    },
    /// The dataset is no collection of documents.
    #[error("`{dataset}` is no collection of documents: {reason}")]
    NoDocuments {
        /// The dataset.
        dataset: String,
        /// The difference.
        reason: &'static str,
    },
    /// The command would change documents of a dataset.
    #[error("`{0}` is a dataset of the registry, and its documents do not change")]
    ReadOnlyDocuments(String),
    /// Several datasets match the reference.
    #[error("`{reference}` may mean {}", candidates.join(", "))]
    Ambiguous {
        /// The reference as typed.
        reference: String,
        /// The matching datasets.
        candidates: Vec<String>,
    },
    /// The name and version belong to other content.
    #[error("`{name}@{version}` is already the content {held}")]
    VersionTaken {
        /// The name.
        name: DatasetName,
        /// The version.
        version: DatasetVersion,
        /// The content that has them.
        held: ContentId,
    },
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

impl DatasetError {
    /// Returns advice for the user.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Withdrawn { .. } => "--yes uses it all the same",
            Self::NotFound(_) | Self::NearMiss { .. } => "`alimentar list` shows what is here",
            Self::NoSuchFile { .. } => "`alimentar ls REF` lists the files of a dataset",
            Self::NoDocuments { .. } => {
                "`alimentar checkout REF FILE`, then `alimentar documents import STORE FILE --id FIELD` makes one"
            }
            Self::ReadOnlyDocuments(_) => {
                "`alimentar checkout REF FILE`, then `alimentar documents import STORE FILE` makes a store that changes; `./NAME` is always a directory"
            }
            Self::VersionTaken { .. } => "give another --version, or none to get the next",
            Self::VersionGiven { .. } => {
                "others may have that version; give another --version, or none to get the next"
            }
            Self::NotRemoved(_) => "`registry restore --list` shows what can be restored",
            Self::Collected(_) => {
                "index it again, import it from an archive or pull it from a peer"
            }
            Self::Ambiguous { .. } => return None,
        })
    }
}

impl Classify for DatasetError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Withdrawn { .. } => ErrorKind::Denied,
            Self::Ambiguous { .. } => ErrorKind::Ambiguous,
            Self::VersionTaken { .. } | Self::VersionGiven { .. } => ErrorKind::Conflict,
            Self::NoDocuments { .. } | Self::ReadOnlyDocuments(_) => ErrorKind::Invalid,
            Self::NotFound(_)
            | Self::NearMiss { .. }
            | Self::NoSuchFile { .. }
            | Self::NotRemoved(_)
            | Self::Collected(_) => ErrorKind::NotFound,
        }
    }
}
