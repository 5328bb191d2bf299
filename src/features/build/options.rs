//! The input, the options and the result of a build.

use std::sync::Arc;

use crate::features::error::FeatureError;
use crate::features::limits::TABLE_ROWS_MAX;
use crate::features::schema::ColumnSpec;
use crate::features::segment::Origin;
use crate::read_at::ReadAt;

/// A file of a partition.
#[derive(Clone)]
pub struct BuildInput {
    /// The name, for messages.
    pub name: String,
    /// The bytes.
    pub source: Arc<dyn ReadAt>,
}

/// The table that a segment is built for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BuildOptions {
    /// The columns; none for those of the first file.
    pub columns: Vec<ColumnSpec>,
    /// The names of the columns of the key.
    pub key: Vec<String>,
    /// The name of the column with the time of a row.
    pub timestamp: Option<String>,
    /// Hash partitions, which are built in parallel. There are more of them where the memory needs it.
    pub parts: u32,
    /// Bytes of memory for records that wait and for sorting.
    pub memory_bytes: u64,
    /// The origin of the rows.
    pub origin: Origin,
}

impl BuildOptions {
    /// Returns options for a key, with the columns of the first file.
    pub fn new(key: &[String]) -> Self {
        Self {
            columns: Vec::new(),
            key: key.to_vec(),
            timestamp: None,
            parts: 8,
            memory_bytes: 256 << 20,
            origin: Origin::default(),
        }
    }
}

/// The result of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildReport {
    /// Rows in the segment.
    pub rows: u64,
    /// Rows that a later one of the same key replaced.
    pub duplicates: u64,
    /// Rows without a key, which are left out.
    pub null_keys: u64,
    /// Columns of types that no table has, which are left out.
    pub left_out: Vec<String>,
    /// Bytes of the segment.
    pub bytes: u64,
}

/// Returns the error of a table with too many rows.
pub(super) fn too_many_rows() -> FeatureError {
    FeatureError::Limit {
        what: "the number of rows".to_owned(),
        limit: format!("{TABLE_ROWS_MAX} rows"),
    }
}
