//! State of a collection on disk when it opens.

use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::side_file::SideLog;
use crate::documents::format::FileIdentity;
use crate::documents::format::IndexForm;
use crate::documents::format::SideRecord;
use crate::documents::table::LiveIndex;

/// State of a collection on disk.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) data: DataFile,
    /// The live documents.
    pub(crate) index: LiveIndex,
    /// Offset at which the next line begins.
    pub(crate) end: u64,
    /// Offset of the last line before `end`.
    pub(crate) last_line: u64,
    /// True if no line feed ends the last line.
    pub(crate) needs_line_feed: bool,
    /// Bytes after `end`: the begin of a line that a crash cut.
    pub(crate) torn_bytes: u64,
    /// Lines that are no documents.
    pub(crate) unreadable: u64,
    /// Deletions that count, where the side log was read from its begin.
    pub(crate) deletions: Vec<SideRecord>,
    /// Bytes of the records of deletions that count.
    pub(crate) deletion_bytes: u64,
    /// Deletions by other programs, which no record has yet.
    pub(crate) new_deletions: Vec<SideRecord>,
    pub(crate) log: SideLog,
    /// True if the side log holds records that no longer count.
    pub(crate) is_log_stale: bool,
    /// True if `index.bin` and the table are those of the last checkpoint, and nothing came after it.
    pub(crate) is_index_current: bool,
    /// The `index.bin` of the table, where that was current.
    pub(crate) index_file: Option<FileIdentity>,
    /// Length of the log at the last checkpoint, where the table was current.
    pub(crate) covered: u64,
    /// Form of the index at the last checkpoint.
    pub(crate) form: Option<IndexForm>,
}
