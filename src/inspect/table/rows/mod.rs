//! Rows in memory: batches (`batch.rs`), cells (`cells.rs`), long rows, and paths to values.

pub(crate) mod batch;
pub(crate) mod cells;
pub(crate) mod long_row;
pub(crate) mod names;
pub(crate) mod path;
pub(crate) mod shape;
pub(crate) mod stored;
#[cfg(feature = "tokens")]
pub(crate) mod stored_text;
