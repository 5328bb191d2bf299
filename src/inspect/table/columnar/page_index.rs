//! Places of a column's pages, by the offset index of a Parquet file. With it, a source far away is
//! asked for the pages alone that rows need. An index that contradicts the footer is not used. Without one, headers that
//! were read say the same.

use std::collections::HashMap;
use std::sync::Mutex;

use parquet::file::metadata::ColumnChunkMetaData;

use crate::inspect::table::columnar::thrift::CompactReader;
use crate::inspect::table::columnar::thrift::FieldType;
use crate::inspect::table::columnar::thrift::ThriftError;
use crate::locks::lock;

/// Nesting limit of unknown members.
const DEPTH_MAX: u32 = 8;
/// Bytes of an index that is read.
const INDEX_BYTES_MAX: u64 = 16 << 20;
/// Number of pages that are known at a time.
const PAGES_MAX: usize = 1 << 16;

/// Place of a data page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PagePlace {
    /// Offset in the file.
    pub(super) at: u64,
    /// Length with its header.
    pub(super) bytes: u64,
    /// Number of its first row in the row group.
    pub(super) row: u64,
}

/// Returns the range of a column's index in the file, if there is one.
pub(super) fn range_of(column: &ColumnChunkMetaData, size: u64) -> Option<std::ops::Range<u64>> {
    let range = column.offset_index_range()?;
    let is_fine = range.start < range.end && range.end <= size;
    let is_short = range.end.saturating_sub(range.start) <= INDEX_BYTES_MAX;
    (is_fine && is_short).then_some(range)
}

/// Decodes an index. The pages are in order inside of `start..end`, and their rows are in order below
/// `rows`; else it is no index.
pub(super) fn decode(bytes: &[u8], (start, end): (u64, u64), rows: u64) -> Option<Vec<PagePlace>> {
    let pages = pages(bytes).ok()?;
    let (mut at, mut row) = (start, None);
    for page in &pages {
        let is_next = row.map_or(page.row == 0, |last| page.row > last);
        if page.at < at || page.bytes == 0 || !is_next || page.row >= rows {
            return None;
        }
        at = page.at.checked_add(page.bytes).filter(|at| *at <= end)?;
        row = Some(page.row);
    }
    (!pages.is_empty()).then_some(pages)
}

fn pages(bytes: &[u8]) -> Result<Vec<PagePlace>, ThriftError> {
    let mut compact = CompactReader::new(bytes);
    let (mut last, mut pages) = (0, Vec::new());
    while let Some((number, kind)) = compact.field(&mut last)? {
        if (number, kind) != (1, FieldType::LIST) {
            compact.skip(kind, DEPTH_MAX)?;
            continue;
        }
        let (length, kind) = compact.list()?;
        if kind != FieldType::STRUCT {
            return Err(ThriftError::Wrong);
        }
        for _ in 0..length {
            pages.push(page(&mut compact)?);
        }
    }
    Ok(pages)
}

fn page(compact: &mut CompactReader<'_>) -> Result<PagePlace, ThriftError> {
    let (mut last, mut page) = (0, PagePlace::default());
    while let Some((number, kind)) = compact.field(&mut last)? {
        let into = match number {
            1 => &mut page.at,
            2 => &mut page.bytes,
            3 => &mut page.row,
            _ => {
                compact.skip(kind, DEPTH_MAX)?;
                continue;
            }
        };
        *into = u64::try_from(compact.integer()?).map_err(|_| ThriftError::Wrong)?;
    }
    Ok(page)
}

/// A data page of a column without repetition, in which values are rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KnownPage {
    /// Length with its header.
    pub(super) bytes: u64,
    pub(super) values: u32,
}

/// The pages of a file whose headers were read, by their offsets: the slices of a row group behind the first pass over
/// the pages before theirs without reading a header again.
#[derive(Debug, Default)]
pub(super) struct KnownPages(Mutex<HashMap<u64, KnownPage>>);

impl KnownPages {
    pub(super) fn find(&self, at: u64) -> Option<KnownPage> {
        lock(&self.0).get(&at).copied()
    }

    pub(super) fn note(&self, at: u64, page: KnownPage) {
        let mut pages = lock(&self.0);
        if pages.len() >= PAGES_MAX {
            pages.clear();
        }
        pages.insert(at, page);
    }
}

#[cfg(test)]
mod tests {
    use super::PagePlace;
    use super::decode;

    /// An index of three pages, in the compact protocol of Thrift by hand.
    fn index(places: &[(u8, u8, u8)]) -> Vec<u8> {
        let mut bytes = vec![0x19, (places.len() as u8) << 4 | 0x0c];
        for (at, length, row) in places {
            // Zigzag numbers below 64 are one byte.
            bytes.extend([0x16, at << 1, 0x15, length << 1, 0x16, row << 1, 0]);
        }
        bytes.push(0);
        bytes
    }

    #[test]
    fn index_has_the_places_of_pages() {
        let bytes = index(&[(4, 10, 0), (14, 6, 20), (30, 5, 40)]);
        let pages = decode(&bytes, (4, 35), 60).unwrap();
        let place = |at, bytes, row| PagePlace { at, bytes, row };
        assert_eq!(pages, [place(4, 10, 0), place(14, 6, 20), place(30, 5, 40)]);
    }

    #[test]
    fn index_that_contradicts_the_column_is_not_used() {
        let good = index(&[(4, 10, 0), (14, 6, 20)]);
        assert!(decode(&good, (4, 20), 21).is_some());
        assert!(decode(&good, (4, 19), 21).is_none(), "behind the end");
        assert!(decode(&good, (5, 20), 21).is_none(), "before the front");
        assert!(decode(&good, (4, 20), 20).is_none(), "a row too many");
        assert!(
            decode(&good[..good.len() - 3], (4, 20), 21).is_none(),
            "cut"
        );
        for wrong in [
            index(&[(4, 10, 1)]),
            index(&[(4, 10, 0), (13, 6, 20)]),
            index(&[(4, 10, 0), (14, 6, 0)]),
            index(&[(4, 0, 0)]),
            index(&[]),
        ] {
            assert!(decode(&wrong, (4, 63), 63).is_none(), "{wrong:?}");
        }
    }
}
