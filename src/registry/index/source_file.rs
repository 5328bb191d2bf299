//! A file to be indexed, and the metadata that shows a change.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// A file to be indexed.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Path on disk.
    pub at: PathBuf,
    /// Path inside the dataset.
    pub path: String,
    /// Path of the link's target, if the file is a link.
    pub real_path: Option<String>,
    /// Metadata when the file was found.
    pub seen: SourceStamp,
}

/// Metadata that changes when a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceStamp {
    pub size_bytes: u64,
    pub modified: (i64, i64),
    pub changed: (i64, i64),
    pub inode: (u64, u64),
}

impl SourceStamp {
    pub(crate) fn of(meta: &Metadata) -> Self {
        Self {
            size_bytes: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
            inode: (meta.dev(), meta.ino()),
        }
    }
}
