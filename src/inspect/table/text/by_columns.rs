//! Column-oriented JSON as a table, entirely in memory.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::inspect::json::columns::JsonColumns;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Filled;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;

/// Target size of a batch's text in bytes.
const BATCH_BYTES: u64 = 256 << 10;

/// A table of columns.
pub(in crate::inspect::table) struct ColumnarJson {
    pub(in crate::inspect::table) text: Vec<u8>,
    pub(in crate::inspect::table) columns: JsonColumns,
    /// Size of the file in bytes.
    pub(in crate::inspect::table) size: u64,
}

impl ColumnarJson {
    fn batch_rows(&self) -> u64 {
        let row = self.text.len() as u64 / self.columns.rows().max(1);
        (BATCH_BYTES / row.max(1)).clamp(1, 8192)
    }
}

impl Table for ColumnarJson {
    fn shape(&self) -> &Shape {
        &Shape::Json
    }

    fn rows(&self) -> Option<u64> {
        Some(self.columns.rows())
    }

    fn batches(self: Arc<Self>, selection: &Selection) -> Result<Arc<dyn Batches>, TableError> {
        Ok(Arc::new(ColumnarJsonBatches {
            from: selection.from.min(self.columns.rows()),
            batch_rows: self.batch_rows(),
            table: self,
            next: AtomicU64::new(0),
        }))
    }
}

struct ColumnarJsonBatches {
    table: Arc<ColumnarJson>,
    from: u64,
    batch_rows: u64,
    next: AtomicU64,
}

impl Batches for ColumnarJsonBatches {
    fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError> {
        let rows = self.table.columns.rows();
        let batches = (rows - self.from).div_ceil(self.batch_rows);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= batches {
            return Ok(NextBatch::End(batches));
        }
        let first = self.from + number * self.batch_rows;
        let count = self.batch_rows.min(rows - first);
        let ColumnarJson {
            text,
            columns,
            size,
        } = &*self.table;
        batch.refill_lines(&Shape::Json, 0, |out| {
            out.clear();
            for row in first..first + count {
                columns.row_into(text, usize::try_from(row).unwrap_or(usize::MAX), out);
            }
            Filled {
                bytes_read: size * count / rows.max(1),
                ..Filled::default()
            }
        });
        Ok(NextBatch::Batch(number))
    }
}
