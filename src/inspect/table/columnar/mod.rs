//! Rows of columnar files, Parquet and Arrow IPC: decoded batch by batch and rendered as JSON
//! objects, one a line.

mod arrow;
mod buffers;
mod codec;
mod footer;
mod pages;
mod parquet;
mod render;
mod slices;
mod thrift;

pub(super) use arrow::open_arrow;
pub(super) use parquet::open_parquet;

use crate::inspect::table::TableError;
use crate::panics::Panicked;
use crate::panics::caught;

/// Bytes of decoded rows that a batch has, about.
const BATCH_BYTES: u64 = 1 << 20;
/// Rows that a batch has at most.
const BATCH_ROWS_MAX: u64 = 8192;

/// Rows of a batch, from what a row takes by the file's own account.
fn batch_rows(bytes: u64, rows: u64) -> u64 {
    let row = (bytes / rows.max(1)).max(1);
    (BATCH_BYTES / row).clamp(1, BATCH_ROWS_MAX)
}

/// A call into a library that may panic on damaged bytes.
fn guarded<T, E: std::fmt::Display>(call: impl FnOnce() -> Result<T, E>) -> Result<T, TableError> {
    match caught(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(TableError::Damaged(error.to_string())),
        Err(Panicked) => Err(TableError::Damaged("its decoder gave up".to_owned())),
    }
}
