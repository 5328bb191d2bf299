//! Errors of archives.

use std::io;

use thiserror::Error;

/// The reason why an archive cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ZipError {
    /// The bytes are no ZIP archive, or are cut.
    #[error("it is not a whole ZIP archive: {0}")]
    Malformed(&'static str),
    /// An entry has a path that may not be unpacked.
    #[error("its entry `{name}` {reason}")]
    Path {
        /// The name in the archive.
        name: String,
        /// The reason.
        reason: &'static str,
    },
    /// An entry has another length or checksum than the archive says.
    #[error("its entry `{name}` {reason}")]
    Damaged {
        /// The name in the archive.
        name: String,
        /// The difference.
        reason: &'static str,
    },
    /// The archive uses something that is not read here.
    #[error("its entry `{name}` {reason}")]
    Unsupported {
        /// The name in the archive.
        name: String,
        /// The thing.
        reason: &'static str,
    },
    /// The archive unpacks to far more bytes than it has.
    #[error(
        "it unpacks to {total} bytes from {archive}, more than the limit; --allow-large takes it"
    )]
    Bomb {
        /// Length of all entries.
        total: u64,
        /// Length of the archive.
        archive: u64,
    },
    /// The bytes could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
