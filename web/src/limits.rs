//! Limits of the browser half; `spec/browser.md` has the same table.

/// Bytes of a block of a source that is kept in memory.
pub const BLOCK_BYTES: usize = 1 << 20;
/// Blocks of a source that are kept in memory.
pub const KEPT_BLOCKS: usize = 16;
/// Bytes of a row in a list of rows; the rest is cut off.
pub const LISTED_ROW_BYTES_MAX: usize = 64 << 10;
/// Bytes of a row that is read alone.
pub const ROW_BYTES_MAX: usize = 16 << 20;
/// Rows of one list.
pub const LISTED_ROWS_MAX: u64 = 10_000;
/// Bytes of a list of rows.
pub const LIST_BYTES_MAX: usize = 16 << 20;
/// Known places of rows in a file of lines.
pub const POINTS_MAX: usize = 1 << 16;
/// Rows that a search finds at most.
pub const HITS_MAX: u64 = 10_000;
/// Bytes of rows that are exported as one archive.
pub const EXPORT_BYTES_MAX: usize = 512 << 20;
/// Files of a dataset in a summary.
pub const SUMMARY_FILES_MAX: usize = 1000;
