//! Columnar files read as if their edits were applied: rows of the base are replaced in decoded
//! batches, before they are rendered. `stored.rs` decodes the edited rows.

mod stored;

use std::sync::Arc;
use std::sync::Mutex;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;

pub use stored::CheckError;
pub use stored::EditedRow;
pub use stored::check_row;

use crate::inspect::edits::FileOverlay;
use crate::inspect::edits::RowPlace;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Columnar;
use crate::inspect::table::Decoded;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Opened;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::columnar::RowsBatch;
use crate::inspect::table::columnar::parquet::is_wanted;
use crate::inspect::table::rows::stored::stored_columns;
use crate::locks::lock;

/// A columnar table with its edits.
pub(in crate::inspect::table) struct EditedTable {
    base: Arc<dyn Table>,
    columnar: Columnar,
    overlay: Arc<FileOverlay>,
}

impl EditedTable {
    /// Combines a columnar table with edits; `None` for another table.
    pub(in crate::inspect::table) fn new(
        base: Arc<dyn Table>,
        overlay: Arc<FileOverlay>,
    ) -> Option<Self> {
        let columnar = base.columnar()?.clone();
        Some(Self {
            base,
            columnar,
            overlay,
        })
    }
}

impl Opened {
    /// Replaces the rows of a columnar file by those that edits give; other files stay.
    #[must_use]
    pub fn with_edited_rows(mut self, overlay: &Arc<FileOverlay>) -> Self {
        let table = Arc::clone(&self.table);
        if let Some(edited) = EditedTable::new(table, Arc::clone(overlay)) {
            self.table = Arc::new(edited);
        }
        self
    }
}

impl Table for EditedTable {
    fn shape(&self) -> &Shape {
        &Shape::Json
    }

    fn columnar(&self) -> Option<&Columnar> {
        Some(&self.columnar)
    }

    fn rows(&self) -> Option<u64> {
        Some(self.overlay.rows(self.base.rows()?))
    }

    fn batches(self: Arc<Self>, selection: &Selection) -> Result<Arc<dyn Batches>, TableError> {
        let (row, region, skip) = match self.overlay.place_of(selection.from) {
            RowPlace::Base { row, .. } => {
                let starts = self.overlay.starts();
                (row, starts.partition_point(|s| s.row <= selection.from), 0)
            }
            RowPlace::Region { index, first, .. } => {
                let base = self.overlay.regions().get(index).map_or(0, |r| r.base_row);
                (base, index, selection.from - first)
            }
        };
        let inner = Arc::clone(&self.base).batches(&Selection {
            from: row,
            columns: selection.columns.clone(),
            nan: selection.nan,
            decoded: Decoded::Alone,
        })?;
        let fields = self.columnar.schema.fields().iter();
        let fields = fields.filter(|field| is_wanted(field.name(), &selection.columns));
        let schema = arrow_schema::Schema::new_with_metadata(
            fields.cloned().collect::<arrow_schema::Fields>(),
            self.columnar.schema.metadata.clone(),
        );
        Ok(Arc::new(EditedBatches {
            stored: stored_columns(&self.columnar.schema.fields),
            table: self,
            inner,
            schema: Arc::new(schema),
            nan: selection.nan,
            decoded: selection.decoded,
            state: Mutex::new(State {
                row,
                region,
                skip,
                number: 0,
                is_over: false,
            }),
        }))
    }
}

struct EditedBatches {
    table: Arc<EditedTable>,
    inner: Arc<dyn Batches>,
    /// Schema of the selected columns, for rows behind the last of the base.
    schema: SchemaRef,
    stored: Arc<[crate::inspect::table::StoredColumn]>,
    nan: bool,
    decoded: Decoded,
    state: Mutex<State>,
}

struct State {
    /// Row of the base that comes next.
    row: u64,
    /// Index of the region that comes next.
    region: usize,
    /// Rows of that region to leave out.
    skip: u64,
    /// Number of batches so far.
    number: u64,
    is_over: bool,
}

/// A batch of the base, and the regions that begin in it.
struct Part {
    number: u64,
    rows: Option<RecordBatch>,
    first: u64,
    regions: std::ops::Range<usize>,
    skip: u64,
    bytes_read: u64,
}

impl EditedBatches {
    /// Takes the next batch of the base. One thread at a time does so, because only the order of
    /// batches gives rows their numbers.
    fn take(&self, batch: &mut Batch) -> Result<Result<Part, u64>, TableError> {
        let mut state = lock(&self.state);
        if state.is_over {
            return Ok(Err(state.number));
        }
        let regions = self.table.overlay.regions();
        let (from, first, skip) = (state.region, state.row, state.skip);
        let (rows, bytes_read) = match self.inner.next(batch)? {
            NextBatch::Batch(_) => {
                let rows = batch.decoded().cloned().ok_or_else(|| {
                    TableError::Unsupported("its columns cannot be decoded".to_owned())
                })?;
                (Some(rows), batch.bytes_read())
            }
            NextBatch::End(_) => {
                state.is_over = true;
                if from >= regions.len() {
                    return Ok(Err(state.number));
                }
                (None, 0)
            }
        };
        let end = match &rows {
            Some(rows) => first + rows.num_rows() as u64,
            None => u64::MAX,
        };
        let to = regions
            .partition_point(|region| region.base_row < end)
            .max(from);
        let number = state.number;
        (state.row, state.region) = (end, to);
        state.number += 1;
        if to > from {
            state.skip = 0;
        }
        Ok(Ok(Part {
            number,
            rows,
            first,
            regions: from..to,
            skip,
            bytes_read,
        }))
    }

    /// Replaces the edited rows of a batch.
    fn edited(&self, part: &Part) -> Result<RecordBatch, TableError> {
        let regions = self.table.overlay.regions();
        let before = part
            .regions
            .start
            .checked_sub(1)
            .and_then(|n| regions.get(n));
        let mut at = before.map_or(0, |region| region.base_row + region.base_rows);
        let own = regions.get(part.regions.clone()).unwrap_or_default();
        if let (Some(rows), true, true) = (&part.rows, own.is_empty(), at <= part.first) {
            return Ok(rows.clone());
        }
        let count = part.rows.as_ref().map_or(0, |rows| rows.num_rows() as u64);
        let end = part.first.saturating_add(count);
        at = at.clamp(part.first, end);
        let schema = part
            .rows
            .as_ref()
            .map_or(&self.schema, RecordBatch::schema_ref)
            .clone();
        let mut pieces = Vec::new();
        let base = |from: u64, to: u64| {
            let rows = part.rows.as_ref().filter(|_| to > from)?;
            // Rows of a batch fit into memory.
            let (from, to) = ((from - part.first) as usize, (to - part.first) as usize);
            Some(rows.slice(from, to - from))
        };
        for (n, region) in own.iter().enumerate() {
            let start = region.base_row.clamp(at, end);
            pieces.extend(base(at, start));
            let text = self.table.overlay.region_text(region);
            let text = text.map_err(|e| TableError::Damaged(e.to_string()))?;
            let skip = if n == 0 { part.skip } else { 0 };
            stored::rows_of(&text, skip, &schema, &base_row(part, end), &mut pieces)?;
            at = (region.base_row + region.base_rows).clamp(start, end);
        }
        pieces.extend(base(at, end));
        concat_batches(&schema, &pieces).map_err(|e| TableError::Damaged(e.to_string()))
    }
}

/// Returns a function that gives single rows of a batch of the base.
fn base_row(part: &Part, end: u64) -> impl Fn(u64) -> Option<RecordBatch> {
    move |row| {
        let rows = part.rows.as_ref()?;
        let is_inside = row >= part.first && row < end;
        is_inside.then(|| rows.slice((row - part.first) as usize, 1))
    }
}

impl Batches for EditedBatches {
    fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError> {
        let part = match self.take(batch)? {
            Ok(part) => part,
            Err(batches) => return Ok(NextBatch::End(batches)),
        };
        let rows = self.edited(&part)?;
        let options = RowsBatch {
            stored: &self.stored,
            bytes_read: part.bytes_read,
            nan: self.nan,
            decoded: self.decoded,
        };
        options.fill(batch, rows)?;
        Ok(NextBatch::Batch(part.number))
    }
}
