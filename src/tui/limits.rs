//! Limits of the viewer. Memory and the time of one step follow these, whatever the size of the data.

/// Bytes of a row that a table keeps; the rest is read by the record pane.
pub(super) const ROW_BYTES_MAX: usize = 64 << 10;
/// Bytes of a cell's text that a table keeps.
pub(super) const CELL_BYTES_MAX: usize = 1 << 10;
/// Columns of one row that a table keeps.
pub(super) const CELLS_MAX: usize = 512;
/// Columns that a table knows.
pub(super) const COLUMNS_MAX: usize = 1024;
/// Bytes of all rows of one page.
pub(super) const PAGE_BYTES_MAX: usize = 4 << 20;
/// Bytes of the file that a page goes over; rows behind them come with the next page.
pub(super) const PAGE_SCAN_BYTES: u64 = 16 << 20;
/// Rows of one page.
pub(super) const PAGE_ROWS_MAX: usize = 512;
/// Rows that the table holds around the cursor.
pub(super) const HELD_ROWS_MAX: usize = 1024;
/// Bytes of a record that the record pane reads.
pub(super) const RECORD_BYTES_MAX: usize = 8 << 20;
/// Lines of a record pane.
pub(super) const RECORD_LINES_MAX: usize = 100_000;
/// Bytes of one string that the record pane shows.
pub(super) const STRING_BYTES_MAX: usize = 256 << 10;
/// Bytes of a text that is cut into tokens.
pub(super) const TOKEN_BYTES_MAX: usize = 64 << 10;
/// Places of matches that are kept; further ones are only counted.
pub(super) const MATCHES_MAX: usize = 1_000_000;
/// Rows that are sorted.
pub(super) const SORT_ROWS_MAX: usize = 1_000_000;
/// Rows that may be marked.
pub(super) const MARKS_MAX: usize = 100_000;
/// Findings of each rule that are kept.
pub(super) const FINDINGS_MAX: usize = 10_000;
/// Memory of the duplicate search, in bytes; data beyond it goes to the cache of the home.
pub(super) const DEDUP_BYTES: usize = 48 << 20;
/// Landmarks of one file: row numbers at offsets.
pub(super) const LANDMARKS_MAX: usize = 16 << 10;
/// Bytes that are read at once.
pub(super) const BLOCK_BYTES: usize = 256 << 10;
/// Bytes that the terminal is asked to copy.
pub(super) const COPY_BYTES_MAX: usize = 74_000;
/// Characters of a line that a person types.
pub(super) const PROMPT_CHARS_MAX: usize = 4096;
/// Columns and lines of the largest screen that is drawn.
pub(super) const SCREEN_MAX: u16 = 1000;
