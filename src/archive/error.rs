//! Errors of reading and writing archives.

use std::io;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::manifest::ManifestError;
use crate::wire::DecodeError;

/// Failure of an archive. Nothing of it becomes visible then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file could not be read or written.
    #[error("the archive could not be {action}")]
    Io {
        /// The failed action.
        action: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// The file is not a sequence of zstd frames as archives have them.
    #[error("not an archive: {0}")]
    Frame(&'static str),
    /// The bytes end too early.
    #[error("the archive is cut off")]
    Truncated,
    /// A tar header is a link, a directory, an extension or an unknown name, which no archive has.
    #[error("the archive has an entry `{0}`, which is not allowed in archives")]
    Entry(String),
    /// `archive.json` is no header.
    #[error("the archive's header is malformed")]
    Header(#[source] serde_json::Error),
    /// A newer version wrote the archive.
    #[error("the archive has version {0}; this program reads versions 1 and 2")]
    Version(u32),
    /// The archive holds no dataset, or more than the limit.
    #[error("the archive says that it holds {0} datasets")]
    TooMany(usize),
    /// An entry is over its limit.
    #[error("the archive's entry `{path}` has {bytes} bytes, more than it may")]
    TooLong {
        /// The entry's path.
        path: String,
        /// The length in its header.
        bytes: u64,
    },
    /// Another entry stands in place of the next one.
    #[error("the archive has `{found}` in place of {wanted}")]
    Unexpected {
        /// The entry found.
        found: String,
        /// The entry wanted.
        wanted: String,
    },
    /// A blob is neither in the archive nor in the registry.
    #[error("{0} is neither in the archive nor here")]
    Missing(String),
    /// An entry's bytes do not have the hash in its name.
    #[error("the archive's entry `{0}` is damaged")]
    Corrupt(String),
    /// A tree does not match its manifest.
    #[error("the archive's tree `{0}` is not what its manifest says")]
    Tree(String),
    /// A tree repeats nodes more often than any archive's tree.
    #[error("the archive's tree `{0}` repeats itself too often")]
    Repeats(String),
    /// Bytes follow the end.
    #[error("the archive goes on after its end")]
    Trailing,
    /// Volumes are missing.
    #[error("the archive is not complete without {missing}")]
    NoVolume {
        /// The numbers of the missing volumes.
        missing: String,
    },
    /// A volume's bytes changed.
    #[error("the volume `{0}` is damaged")]
    Volume(String),
    /// A manifest of the archive is invalid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A receipt is malformed.
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
