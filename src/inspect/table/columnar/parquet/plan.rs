//! Division of row groups into slices.

use std::sync::Arc;

use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::metadata::RowGroupMetaData;

use crate::inspect::table::columnar::batch_rows;
use crate::inspect::table::columnar::row_slices::Slice;

/// Batches per slice: the number by which a thread may run ahead of the others.
const SLICE_BATCHES: u64 = 8;

/// Divider of row groups into slices.
pub(super) struct SlicePlan {
    pub(super) metadata: Arc<ParquetMetaData>,
    pub(super) group: usize,
    pub(super) row: u64,
    pub(super) skip: u64,
    pub(super) roots: Vec<usize>,
}

impl SlicePlan {
    /// Returns the slices in order.
    pub(super) fn slices(mut self) -> impl FnMut() -> Option<Slice> + Send {
        move || self.next_slice()
    }

    fn next_slice(&mut self) -> Option<Slice> {
        loop {
            let metadata = Arc::clone(&self.metadata);
            let group = metadata.row_groups().get(self.group)?;
            let rows = u64::try_from(group.num_rows()).unwrap_or_default();
            let passed = self.skip.min(rows - self.row);
            self.skip -= passed;
            self.row += passed;
            if self.row == rows {
                (self.group, self.row) = (self.group + 1, 0);
                continue;
            }
            let batch_rows = batch_rows(self.bytes(group), rows);
            let most = if self.is_repeated(group) {
                // A row of a list column is found only by decoding those before it.
                u64::MAX
            } else {
                batch_rows * SLICE_BATCHES
            };
            let slice = Slice {
                group: self.group,
                row: self.row,
                rows: most.min(rows - self.row),
                batch_rows,
            };
            self.row += slice.rows;
            return Some(slice);
        }
    }

    fn columns<'a>(
        &'a self,
        group: &'a RowGroupMetaData,
    ) -> impl Iterator<Item = &'a ColumnChunkMetaData> {
        columns_below(group, &self.roots)
    }

    fn bytes(&self, group: &RowGroupMetaData) -> u64 {
        let sizes = self
            .columns(group)
            .map(ColumnChunkMetaData::uncompressed_size);
        let sizes = sizes.map(|n| u64::try_from(n).unwrap_or_default());
        sizes.fold(0, u64::saturating_add)
    }

    fn is_repeated(&self, group: &RowGroupMetaData) -> bool {
        self.columns(group)
            .any(|column| column.column_descr().max_rep_level() > 0)
    }
}

/// Returns the column chunks of a row group that are below these fields of the schema.
pub(super) fn columns_below<'a>(
    group: &'a RowGroupMetaData,
    roots: &'a [usize],
) -> impl Iterator<Item = &'a ColumnChunkMetaData> {
    let descriptor = group.schema_descr();
    let all = group.columns().iter().enumerate();
    let wanted = all.filter(move |(n, _)| {
        let root = *n < descriptor.num_columns();
        root && roots.contains(&descriptor.get_column_root_idx(*n))
    });
    wanted.map(|(_, column)| column)
}

/// Source of slices.
pub(super) type PlanFn = Box<dyn FnMut() -> Option<Slice> + Send>;
