//! Why an archive is refused.

use std::io;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::manifest::ManifestError;
use crate::wire::DecodeError;

/// Why an archive is refused. Nothing of it is visible then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file could not be read or written.
    #[error("the archive could not be {action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Not zstd frames as archives have them.
    #[error("not an archive: {0}")]
    Frame(&'static str),
    /// The bytes end too early.
    #[error("the archive is cut off")]
    Truncated,
    /// A tar header that no archive has: a link, a directory, an extension, a strange name.
    #[error("the archive's entry `{0}` is not one that archives have")]
    Entry(String),
    /// `archive.json` is no header.
    #[error("the archive's header is malformed")]
    Header(#[source] serde_json::Error),
    /// Written by a newer version.
    #[error("the archive has version {0}; this program reads versions 1 and 2")]
    Version(u32),
    /// Holds nothing, or more than is allowed.
    #[error("the archive says that it holds {0} datasets")]
    TooMany(usize),
    /// An entry longer than such entries may be.
    #[error("the archive's entry `{path}` has {bytes} bytes, more than it may")]
    TooLong {
        /// Which entry.
        path: String,
        /// What its header says.
        bytes: u64,
    },
    /// An entry that is not the one that has to come.
    #[error("the archive has `{found}` where {wanted} has to come")]
    Unexpected {
        /// What came.
        found: String,
        /// What had to.
        wanted: String,
    },
    /// Something that is neither in the archive nor here.
    #[error("{0} is neither in the archive nor here")]
    Missing(String),
    /// Bytes that are not what their name says.
    #[error("the archive's entry `{0}` is damaged")]
    Corrupt(String),
    /// A tree that does not hold what the manifest says.
    #[error("the archive's tree `{0}` is not what its manifest says")]
    Tree(String),
    /// A tree whose nodes repeat more often than those of archives.
    #[error("the archive's tree `{0}` repeats itself too often")]
    Repeats(String),
    /// Something after the end.
    #[error("the archive goes on after its end")]
    Trailing,
    /// Volumes that are not there.
    #[error("the archive is not complete without {missing}")]
    NoVolume {
        /// Which, by their numbers.
        missing: String,
    },
    /// A volume whose bytes changed.
    #[error("the volume `{0}` is damaged")]
    Volume(String),
    /// A manifest in it.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A receipt that is none.
    #[error("not a receipt")]
    Receipt(#[from] DecodeError),
}

impl ArchiveError {
    pub(super) fn unexpected(found: Option<&str>, wanted: impl Into<String>) -> Self {
        match found {
            Some(found) => Self::Unexpected {
                found: found.to_owned(),
                wanted: wanted.into(),
            },
            None => Self::Truncated,
        }
    }
}

impl Classify for ArchiveError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { source, .. } => ErrorKind::of_io(source),
            Self::Version(_) => ErrorKind::Unsupported,
            _ => ErrorKind::Integrity,
        }
    }
}
