//! Columnar files, Parquet and Arrow IPC. Batches are decoded and rendered as JSON objects, one per
//! line.
//!
//! Open `parquet.rs` and `arrow.rs` for the tables, `render.rs` for the JSON text of rows,
//! `pages.rs` and `page_codec.rs` for Parquet pages, `footer.rs`, `levels.rs` and `thrift.rs` for
//! checks of hostile input, `row_slices.rs` for the division of work, `edited/` for edited rows.

mod arrow;
pub(crate) mod arrow_buffers;
pub(crate) mod edited;
mod footer;
mod int96;
mod levels;
mod names;
mod page_buffers;
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
use crate::inspect::table::guarded_call::guarded;

/// Options for putting decoded rows into a batch.
#[derive(Clone, Copy)]
struct RowsBatch<'a> {
    /// Stored types of the strings in rows.
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

/// Target size of the decoded rows in a batch, in bytes.
const BATCH_BYTES: u64 = 1 << 20;
/// Largest number of rows in a batch.
const BATCH_ROWS_MAX: u64 = 8192;

/// Returns the number of rows per batch, from the size of a row claimed by the file.
fn batch_rows(bytes: u64, rows: u64) -> u64 {
    let row = (bytes / rows.max(1)).max(1);
    (BATCH_BYTES / row).clamp(1, BATCH_ROWS_MAX)
}
