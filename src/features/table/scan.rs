//! Rows one after the other, for copying segments.

use arrow_array::RecordBatch;
use arrow_array::RecordBatchOptions;
use arrow_schema::Schema;
use std::sync::Arc;

use crate::features::error::FeatureError;
use crate::features::table::FeatureTable;
use crate::features::table::find::Finder;
use crate::features::table::rows::GROUP;
use crate::features::table::rows::Rows;
use crate::features::table::take::Column;

impl FeatureTable {
    /// Returns up to `count` rows from a place on, in the order of the segment, with all columns.
    ///
    /// # Errors
    /// [`FeatureError::Damaged`].
    pub fn scan(&self, first: u64, count: usize) -> Result<RecordBatch, FeatureError> {
        let left = usize::try_from(self.0.rows.saturating_sub(first)).unwrap_or(usize::MAX);
        let count = count.min(left);
        let finder = Finder::new(&self.0)?;
        let columns = 0..self.0.schema.columns().len();
        let mut out: Vec<Column> = columns.map(|at| self.column(at, count)).collect();
        let mut rows = Rows::default();
        let mut places = self.places_from(first).take(count).peekable();
        while places.peek().is_some() {
            rows.clear();
            for (part, at) in places.by_ref().take(GROUP) {
                rows.put(finder.row(part, at)?, part);
            }
            let present = rows.present();
            for column in &mut out {
                column.take(&finder, &rows, present)?;
            }
        }
        let arrays = out.into_iter().map(|column| column.finish(&self.0));
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let schema = Arc::new(Schema::new(self.0.fields.clone()));
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let batch = RecordBatch::try_new_with_options(schema, arrays, &options);
        batch.map_err(|_| FeatureError::damaged(&self.0.path, "its columns do not fit"))
    }

    /// Iterates over the parts and places of rows.
    fn places_from(&self, first: u64) -> impl Iterator<Item = (usize, u32)> + '_ {
        let mut before = 0;
        self.0
            .parts
            .iter()
            .enumerate()
            .flat_map(move |(part, place)| {
                let start = first.saturating_sub(before).min(place.rows);
                before += place.rows;
                let at = |row: u64| u32::try_from(row).unwrap_or(u32::MAX);
                (at(start)..at(place.rows)).map(move |row| (part, row))
            })
    }
}
