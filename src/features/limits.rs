//! Limits on configurations, segments and requests. `spec/limits.md` lists the same numbers, and a test compares the two.

/// Bytes in a configuration.
pub const CONFIG_BYTES_MAX: usize = 1 << 20;
/// Tables in a configuration.
pub const TABLES_MAX: usize = 1024;
/// Bytes in the name of a table.
pub const TABLE_NAME_BYTES_MAX: usize = 128;
/// Columns in a table.
pub const COLUMNS_MAX: usize = 4096;
/// Columns in a key.
pub const KEY_COLUMNS_MAX: usize = 16;
/// Values in a list.
pub const LIST_VALUES_MAX: u32 = 65_536;
/// Bytes in a row without its texts.
pub const ROW_BYTES_MAX: usize = 1 << 20;
/// Bytes in a text, of a key or a value.
pub const FEATURE_TEXT_BYTES_MAX: usize = 16 << 20;
/// Hash partitions of a table.
pub const PARTS_MAX: u32 = 4096;
/// Rows in a table.
pub const TABLE_ROWS_MAX: u64 = 1 << 40;
/// Bytes in the description of a segment.
pub const DESCRIPTION_BYTES_MAX: usize = 4 << 20;
/// Files in a partition.
pub const PARTITION_FILES_MAX: usize = 100_000;
/// Keys in a request.
pub const REQUEST_KEYS_MAX: usize = 1_000_000;
/// Bytes in the body of a request for rows.
pub const REQUEST_BYTES_MAX: usize = 256 << 20;
/// Bytes in the body of a write.
pub const WRITE_BYTES_MAX: usize = 1 << 30;
/// Bytes in an answer.
pub const ANSWER_BYTES_MAX: u64 = 1 << 30;
