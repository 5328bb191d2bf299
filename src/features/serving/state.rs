//! States and reports of tables.

use crate::features::answer::Answer;
use crate::features::schema::TableSchema;
use crate::features::segment::Origin;

/// The state of a table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TableState {
    /// The name.
    pub name: String,
    /// The columns; none before the first load of a table whose configuration names none.
    pub schema: Option<TableSchema>,
    /// The number of rows. One that a later write replaced does not count.
    pub rows: u64,
    /// The bytes of its segments.
    pub bytes: u64,
    /// The origin of the rows.
    pub origin: Option<Origin>,
    /// True for a table that has a source.
    pub has_source: bool,
    /// The time of the last look at the source that went well, in microseconds since 1970-01-01 UTC.
    pub checked_at: Option<i64>,
    /// The reason why the last look or load went wrong.
    pub failure: Option<String>,
}

/// The result of a load.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoadReport {
    /// True if the rows are those of before.
    pub is_unchanged: bool,
    /// The state after it.
    pub state: TableState,
    /// Rows that a later one of the same key replaced.
    pub duplicates: u64,
    /// Rows without a key, which are left out.
    pub null_keys: u64,
    /// Columns of types that no table has, which are left out.
    pub left_out: Vec<String>,
    /// Newer partitions that could not be loaded, with reasons.
    pub refused: Vec<(String, String)>,
}

/// The rows of a request, and where they come from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Served {
    /// The rows.
    pub answer: Answer,
    /// The origin of the rows.
    pub origin: Origin,
}
