//! State of a collection on disk when it opens.

use std::collections::HashMap;

use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::side_file::SideLog;
use crate::documents::format::IndexForm;
use crate::documents::format::SideRecord;

/// Place of a document in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Offset of its line.
    pub(crate) offset: u64,
    /// Length of the line in bytes, with its line feed if it has one.
    pub(crate) length: u32,
}

/// The places of all live documents.
pub(crate) type Places = HashMap<Box<str>, Place>;

/// State of a collection on disk.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) data: DataFile,
    pub(crate) places: Places,
    /// Offset at which the next line begins.
    pub(crate) end: u64,
    /// Offset of the last line before `end`.
    pub(crate) last_line: u64,
    /// True if no line feed ends the last line.
    pub(crate) needs_line_feed: bool,
    /// Bytes after `end`: the begin of a line that a crash cut.
    pub(crate) torn_bytes: u64,
    /// Lines that are no documents, among those that were read.
    pub(crate) unreadable: u64,
    /// Deletions that count.
    pub(crate) deletions: Vec<SideRecord>,
    /// Deletions by other programs, which no record has yet.
    pub(crate) new_deletions: Vec<SideRecord>,
    pub(crate) log: SideLog,
    /// True if the side log holds records that no longer count.
    pub(crate) is_log_stale: bool,
    /// True if `index.bin` is the one of the last checkpoint, and nothing came after it.
    pub(crate) is_index_current: bool,
    /// Form of the index at the last checkpoint.
    pub(crate) form: Option<IndexForm>,
}
