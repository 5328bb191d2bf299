//! Ranges of a Parquet file that will be read, so that a source far away fetches them in few requests.

use std::ops::Range;

use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::metadata::RowGroupMetaData;

use crate::inspect::table::columnar::page_index::PagePlace;
use crate::inspect::table::columnar::page_index::decode;
use crate::inspect::table::columnar::page_index::range_of;
use crate::inspect::table::columnar::row_slices::Slice;
use crate::read_at::ReadAt;
use crate::read_at::Wanted;

/// Least bytes of values that are fetched for the first rows: pages have headers, and differ in size.
const FIRST_BYTES_MIN: u64 = 64 << 10;

/// A column chunk of a row group, and the places of its pages if there is an index.
pub(super) struct Chunk<'a> {
    pub(super) column: &'a ColumnChunkMetaData,
    pub(super) pages: Option<Vec<PagePlace>>,
}

/// Reads the indexes of the pages of column chunks. Where one is missing or wrong, the headers of
/// the pages say the same.
pub(super) fn with_pages<'a>(
    columns: impl Iterator<Item = &'a ColumnChunkMetaData>,
    group: &RowGroupMetaData,
    source: &dyn ReadAt,
) -> Vec<Chunk<'a>> {
    let columns: Vec<&ColumnChunkMetaData> = columns.collect();
    let ranges: Option<Vec<Range<u64>>> = columns
        .iter()
        .map(|column| range_of(column, source.len()))
        .collect();
    let read = ranges
        .filter(|_| source.is_far())
        .map(|ranges| source.read_ranges(&ranges));
    let indexes = match read {
        Some(Ok(indexes)) => indexes,
        // The pages will fail to be read as well.
        Some(Err(_)) | None => Vec::new(),
    };
    let mut indexes = indexes.into_iter();
    let rows = rows_of(group);
    let chunk = |column| {
        let index = indexes.next();
        let pages = index.and_then(|index| {
            let (_, values, end) = place(column)?;
            decode(&index, (values, end), rows)
        });
        Chunk { column, pages }
    };
    columns.into_iter().map(chunk).collect()
}

/// Returns the ranges that some rows of a slice need, from its first row on.
pub(super) fn some_rows(
    chunks: &[Chunk<'_>],
    group: &RowGroupMetaData,
    slice: &Slice,
    rows: u64,
) -> Vec<Wanted> {
    let until = slice.row.saturating_add(rows);
    let of_chunk = |chunk: &Chunk<'_>| {
        let Some((start, values, end)) = place(chunk.column) else {
            return Vec::new();
        };
        let Some(pages) = &chunk.pages else {
            let soon = soon_by_share((values, end), slice, rows, rows_of(group));
            // Pages before a row in the middle are passed over by their headers.
            let soon = if slice.row == 0 { soon } else { start };
            return vec![Wanted { start, soon, end }];
        };
        let first = pages
            .partition_point(|page| page.row <= slice.row)
            .saturating_sub(1);
        let after = pages.partition_point(|page| page.row < until);
        let at = pages.get(first).map_or(values, |page| page.at);
        let last = after.checked_sub(1).and_then(|n| pages.get(n));
        let soon = last.map_or(at, |page| page.at + page.bytes);
        let dictionary = Wanted {
            start,
            soon: values,
            end: values,
        };
        let rows = Wanted {
            start: at,
            soon,
            end,
        };
        match start < values {
            // One range, where the first page is wanted.
            true if at == values => vec![Wanted { start, ..rows }],
            true => vec![dictionary, rows],
            false => vec![rows],
        }
    };
    chunks.iter().flat_map(of_chunk).collect()
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

/// Returns the end of the share of a chunk's values that rows have, and some more, because pages are
/// read whole.
fn soon_by_share((values, end): (u64, u64), slice: &Slice, rows: u64, all: u64) -> u64 {
    let rows = rows.min(slice.rows);
    let share = u128::from(end - values) * u128::from(rows) / u128::from(all.max(1));
    let share = u64::try_from(share * 5 / 4).unwrap_or(u64::MAX);
    values.saturating_add(share.max(FIRST_BYTES_MIN)).min(end)
}

pub(super) fn rows_of(group: &RowGroupMetaData) -> u64 {
    u64::try_from(group.num_rows()).unwrap_or_default()
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
