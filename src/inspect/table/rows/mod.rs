//! Rows in memory: batches, cells, long rows, paths to values.

pub(crate) mod batch;
pub(crate) mod cells;
pub(crate) mod long_row;
pub(crate) mod names;
pub(crate) mod path;
pub(crate) mod row_kind;
pub(crate) mod stored;
