//! Ranges of a Parquet file that will be read, so that a source far away fetches them in few requests.

use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::metadata::RowGroupMetaData;

use crate::inspect::table::columnar::row_slices::Slice;
use crate::read_at::Wanted;

/// Least bytes of values that are fetched for the first rows: pages have headers, and differ in size.
const FIRST_BYTES_MIN: u64 = 64 << 10;

/// Returns the ranges of a row group's column chunks for the first rows of a reading: its first batch
/// may be all that is wanted.
pub(super) fn first_rows<'a>(
    columns: impl Iterator<Item = &'a ColumnChunkMetaData>,
    group: &RowGroupMetaData,
    slice: &Slice,
) -> Vec<Wanted> {
    let rows = u64::try_from(group.num_rows()).unwrap_or_default().max(1);
    let share = |column: &ColumnChunkMetaData| {
        let (start, values, end) = place(column)?;
        let wanted = u128::from(end - values) * u128::from(slice.batch_rows) / u128::from(rows);
        // Some more, because pages are read whole.
        let wanted = u64::try_from(wanted * 5 / 4).unwrap_or(u64::MAX);
        let soon = values.saturating_add(wanted.max(FIRST_BYTES_MIN));
        // Pages before a row in the middle are passed over by their headers.
        let soon = if slice.row == 0 { soon.min(end) } else { start };
        Some(Wanted { start, soon, end })
    };
    columns.filter_map(share).collect()
}

/// Returns the ranges of whole column chunks.
pub(super) fn all_rows<'a>(columns: impl Iterator<Item = &'a ColumnChunkMetaData>) -> Vec<Wanted> {
    let whole = |column: &ColumnChunkMetaData| {
        let (start, _, end) = place(column)?;
        let soon = end;
        Some(Wanted { start, soon, end })
    };
    columns.filter_map(whole).collect()
}

/// Returns the start of a column chunk, that of its values behind the dictionary, and its end.
fn place(column: &ColumnChunkMetaData) -> Option<(u64, u64, u64)> {
    let values = u64::try_from(column.data_page_offset()).ok()?;
    let dictionary = column.dictionary_page_offset();
    let dictionary = dictionary.and_then(|at| u64::try_from(at).ok());
    let dictionary = dictionary.filter(|at| *at > 0 && *at < values);
    let start = dictionary.unwrap_or(values);
    let length = u64::try_from(column.compressed_size()).ok()?;
    let end = start.checked_add(length)?;
    (values <= end).then_some((start, values, end))
}
