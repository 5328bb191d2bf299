//! Rows of columnar files, Parquet and Arrow IPC: decoded batch by batch and rendered as JSON
//! objects, one a line.

mod arrow;
pub(crate) mod arrow_buffers;
mod footer;
mod int96;
mod levels;
mod names;
pub(crate) mod page_codec;
mod pages;
mod parquet;
mod render;
pub(crate) mod row_slices;
mod thrift;

pub(super) use arrow::open_arrow;
pub(super) use parquet::open_parquet;
pub(in crate::inspect) use render::ShownValue;
pub(in crate::inspect) use render::each_value;

use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::inspect::table::Batch;
use crate::inspect::table::Decoded;
use crate::inspect::table::Filled;
use crate::inspect::table::Shape;
use crate::inspect::table::StoredColumn;
use crate::inspect::table::TableError;
use crate::inspect::table::columnar::render::in_utc_zone;
use crate::inspect::table::columnar::render::render;
use crate::panics::Panicked;
use crate::panics::caught;

/// How decoded rows are put into a batch.
#[derive(Clone, Copy)]
struct RowsBatch<'a> {
    /// What strings of rows stand for.
    stored: &'a Arc<[StoredColumn]>,
    bytes_read: u64,
    nan: bool,
    decoded: Decoded,
}

impl RowsBatch<'_> {
    fn fill(self, batch: &mut Batch, rows: RecordBatch) -> Result<(), TableError> {
        if self.decoded == Decoded::Alone {
            batch.refill_bare(&Shape::Json, &rows, self.bytes_read);
            return Ok(());
        }
        let shown = guarded(|| in_utc_zone(&rows))?;
        if self.decoded == Decoded::Shown {
            batch.refill_bare(&Shape::Json, &shown, self.bytes_read);
            batch.set_stored(self.stored);
            return Ok(());
        }
        let mut done = Ok(());
        batch.refill_lines(&Shape::Json, 0, |text| {
            let rendered = render(&shown, self.bytes_read, self.nan, text);
            rendered.unwrap_or_else(|error| {
                done = Err(error);
                text.clear();
                Filled::default()
            })
        });
        done?;
        batch.set_stored(self.stored);
        if self.decoded == Decoded::Beside {
            batch.set_decoded(rows);
        }
        Ok(())
    }
}

/// Bytes of decoded rows that a batch has, about.
const BATCH_BYTES: u64 = 1 << 20;
/// Rows that a batch has at most.
const BATCH_ROWS_MAX: u64 = 8192;

/// Rows of a batch, from what a row takes by the file's own account.
fn batch_rows(bytes: u64, rows: u64) -> u64 {
    let row = (bytes / rows.max(1)).max(1);
    (BATCH_BYTES / row).clamp(1, BATCH_ROWS_MAX)
}

/// What an error begins with that says which limit is crossed.
const OVER_LIMIT: &str = "over a limit: ";

/// What errors of the libraries begin with that say what they cannot do.
const NOT_YET: [&str; 2] = ["Not yet implemented: ", "NYI: "];

/// A call into a library that may panic on damaged bytes.
fn guarded<T, E: std::fmt::Display>(call: impl FnOnce() -> Result<T, E>) -> Result<T, TableError> {
    match caught(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let why = error.to_string();
            // What a library does not do yet is no damage.
            for prefix in NOT_YET {
                if let Some(what) = why.strip_prefix(prefix) {
                    return Err(TableError::Unsupported(what.to_owned()));
                }
            }
            // A library hands on what was said of a limit as any other error.
            match why.find(OVER_LIMIT) {
                Some(at) => Err(TableError::Limit(
                    why.get(at + OVER_LIMIT.len()..)
                        .unwrap_or_default()
                        .to_owned(),
                )),
                None => Err(TableError::Damaged(why)),
            }
        }
        Err(Panicked) => Err(TableError::Damaged("its decoder gave up".to_owned())),
    }
}
