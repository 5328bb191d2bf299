//! Limits on configurations, segments and requests. `spec/limits.md` lists the same numbers, and a test compares the two.

/// Bytes in a configuration.
pub const CONFIG_BYTES_MAX: usize = 1 << 20;
/// Levels of nesting in a configuration.
pub const CONFIG_DEPTH_MAX: usize = 16;
/// Milliseconds between two looks at a source, at least.
pub const POLL_MILLISECONDS_MIN: u64 = 100;
/// Tables in a configuration, and tables that clients create beside them.
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
/// Levels of directories below a partition.
pub const PARTITION_DEPTH_MAX: usize = 32;
/// Complete partitions of a directory that a look finds; older ones are not looked at.
pub const PARTITIONS_LISTED_MAX: usize = 64;
/// Bytes in the list of the segments of a table that clients write to.
pub const SEGMENT_LIST_BYTES_MAX: usize = 4 << 20;
/// Segments of a table that clients write to; a write beyond joins some of them.
pub const WRITTEN_SEGMENTS_MAX: usize = 8;
/// Keys in a request.
pub const REQUEST_KEYS_MAX: usize = 1_000_000;
/// Bytes in the body of a request for rows.
pub const REQUEST_BYTES_MAX: usize = 256 << 20;
/// Bytes in the body of a write.
pub const WRITE_BYTES_MAX: usize = 1 << 30;
/// Bytes in an answer.
pub const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// All of them, by the names of the specification.
pub const ALL: &[(&str, u64)] = &[
    ("feature_config_bytes_max", CONFIG_BYTES_MAX as u64),
    ("feature_config_depth_max", CONFIG_DEPTH_MAX as u64),
    ("feature_poll_milliseconds_min", POLL_MILLISECONDS_MIN),
    ("feature_tables_max", TABLES_MAX as u64),
    ("feature_table_name_bytes_max", TABLE_NAME_BYTES_MAX as u64),
    ("feature_columns_max", COLUMNS_MAX as u64),
    ("feature_key_columns_max", KEY_COLUMNS_MAX as u64),
    ("feature_list_values_max", LIST_VALUES_MAX as u64),
    ("feature_row_bytes_max", ROW_BYTES_MAX as u64),
    ("feature_text_bytes_max", FEATURE_TEXT_BYTES_MAX as u64),
    ("feature_parts_max", PARTS_MAX as u64),
    ("feature_table_rows_max", TABLE_ROWS_MAX),
    (
        "feature_description_bytes_max",
        DESCRIPTION_BYTES_MAX as u64,
    ),
    ("feature_partition_files_max", PARTITION_FILES_MAX as u64),
    ("feature_partition_depth_max", PARTITION_DEPTH_MAX as u64),
    (
        "feature_partitions_listed_max",
        PARTITIONS_LISTED_MAX as u64,
    ),
    (
        "feature_segment_list_bytes_max",
        SEGMENT_LIST_BYTES_MAX as u64,
    ),
    ("feature_written_segments_max", WRITTEN_SEGMENTS_MAX as u64),
    ("feature_request_keys_max", REQUEST_KEYS_MAX as u64),
    ("feature_request_bytes_max", REQUEST_BYTES_MAX as u64),
    ("feature_write_bytes_max", WRITE_BYTES_MAX as u64),
    ("feature_answer_bytes_max", ANSWER_BYTES_MAX),
];
