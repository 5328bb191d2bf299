//! Lookups in a segment.

use std::path::Path;
use std::time::Duration;

use arrow_array::RecordBatch;

use crate::features::answer::Answer;
use crate::features::error::FeatureError;
use crate::features::keys::Keys;
use crate::features::schema::TableSchema;
use crate::features::segment::Origin;

/// The memory that holds a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryMode {
    /// A copy in large pages where the memory allows it, and else a map of the file.
    #[default]
    Auto,
    /// A copy in large pages.
    Huge,
    /// A map of the file.
    Map,
}

/// Condition of the age of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxAge {
    /// Rows that are older count as expired.
    pub ttl: Duration,
    /// The time of the request, in microseconds since 1970-01-01 UTC.
    pub now: i64,
}

/// A segment that is open for lookups.
#[derive(Debug)]
pub struct FeatureTable {
    schema: TableSchema,
    origin: Origin,
}

impl FeatureTable {
    /// Opens a segment.
    ///
    /// # Errors
    /// [`FeatureError::Damaged`]; [`FeatureError::File`].
    pub fn open(path: &Path, _memory: MemoryMode) -> Result<Self, FeatureError> {
        Err(FeatureError::damaged(path, "not yet"))
    }

    /// Returns the columns.
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// Returns the origin of the rows.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> u64 {
        0
    }

    /// Returns the bytes of the segment.
    pub fn bytes(&self) -> u64 {
        0
    }

    /// Looks rows up. The columns of the answer are in the requested order, and may be those of the key.
    ///
    /// # Errors
    /// [`FeatureError::NoColumn`]; [`FeatureError::Damaged`] if a block that is needed is not what was written;
    /// [`FeatureError::Limit`] for an answer that is too large.
    pub fn get(
        &self,
        _keys: &Keys,
        _columns: &[&str],
        _max_age: Option<MaxAge>,
    ) -> Result<Answer, FeatureError> {
        Err(FeatureError::Request("not yet".to_owned()))
    }

    /// Returns rows by their places, with all columns, for copying a segment.
    ///
    /// # Errors
    /// [`FeatureError::Damaged`].
    pub fn scan(&self, _first: u64, _count: usize) -> Result<RecordBatch, FeatureError> {
        Err(FeatureError::Request("not yet".to_owned()))
    }
}
