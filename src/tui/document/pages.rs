//! Pages of rows: from the front, from the end, behind a row, before a row, at a number.

use std::collections::BTreeSet;

use crate::tui::document::CancelToken;
use crate::tui::document::Document;
use crate::tui::document::DocumentError;
use crate::tui::document::Row;
use crate::tui::document::RowPlace;
use crate::tui::document::cells::cells_of;
use crate::tui::document::files::FileRows;
use crate::tui::document::lines::PageRoom;
use crate::tui::document::lines::RawRow;
use crate::tui::limits::PAGE_BYTES_MAX;
use crate::tui::limits::PAGE_ROWS_MAX;
use crate::tui::limits::PAGE_SCAN_BYTES;
use crate::tui::limits::ROW_BYTES_MAX;

/// The start of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) enum PageStart {
    /// The first row.
    Front,
    /// The last rows.
    End,
    /// This row, with its number if that is known.
    At(RowPlace, Option<u64>),
    /// The rows from this key of a file on; `number` is that of the first.
    After(RowPlace, Option<u64>),
    /// The rows before this one, which has this number.
    Before(RowPlace, Option<u64>),
}

/// A page of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::tui) struct Page {
    pub rows: Vec<Row>,
    /// True if nothing is before its first row.
    pub is_front: bool,
    /// True if nothing is behind its last row.
    pub is_end: bool,
}

impl Document {
    /// Reads a page of at most `count` rows.
    ///
    /// # Errors
    /// [`DocumentError`] if no row can be read.
    pub(in crate::tui) fn page(
        &self,
        start: &PageStart,
        count: usize,
        expanded: &BTreeSet<String>,
        cancel: &CancelToken,
    ) -> Result<Page, DocumentError> {
        let count = count.clamp(1, PAGE_ROWS_MAX);
        match *start {
            PageStart::Front => self.forward((0, None), Some(0), count, expanded, cancel),
            PageStart::At(place, number) | PageStart::After(place, number) => {
                let from = (place.file, Some(place.key));
                self.forward(from, number, count, expanded, cancel)
            }
            PageStart::Before(place, number) => {
                self.backward(place, number, count, expanded, cancel)
            }
            PageStart::End => {
                let file = u32::try_from(self.file_count().saturating_sub(1)).unwrap_or(u32::MAX);
                let rows = self.file(file)?;
                let end = match rows.end() {
                    Some(end) => end,
                    None => self.count_file(file, cancel, &|_| {})?,
                };
                let before = self.rows_before(file);
                let number = before.and_then(|before| Some(before + rows.rows()?));
                let place = RowPlace { file, key: end };
                self.backward(place, number, count, expanded, cancel)
            }
        }
    }

    fn forward(
        &self,
        (mut file, mut key): (u32, Option<u64>),
        mut number: Option<u64>,
        count: usize,
        expanded: &BTreeSet<String>,
        cancel: &CancelToken,
    ) -> Result<Page, DocumentError> {
        let mut page = Page::default();
        let files = u32::try_from(self.file_count()).unwrap_or(u32::MAX);
        let mut held = 0;
        while file < files && page.rows.len() < count && held < PAGE_BYTES_MAX {
            let rows = self.file(file)?;
            let from = key.unwrap_or(rows.front);
            if page.rows.is_empty() {
                page.is_front = file == 0 && from <= rows.front;
            }
            if number.is_none() {
                let before = self.rows_before(file);
                let own = rows.number_of(from, cancel)?;
                number = before.zip(own).map(|(before, own)| before + own);
            }
            let room = PageRoom {
                rows: count - page.rows.len(),
                row_bytes: ROW_BYTES_MAX,
                bytes: PAGE_BYTES_MAX,
                scan: if rows.has_offsets() {
                    PAGE_SCAN_BYTES
                } else {
                    u64::MAX
                },
            };
            let read = rows.forward((from, None), room, cancel)?;
            let text = read.iter().map(|row| row.text.len()).sum();
            let scanned = read.last().map_or(0, |row| row.next.saturating_sub(from));
            let is_over = !room.is_full(read.len(), text, scanned);
            held += text;
            for raw in read {
                page.rows.push(row_of(&rows, file, raw, number, expanded));
                number = number.map(|n| n + 1);
            }
            if is_over {
                (file, key) = (file + 1, None);
            } else {
                break;
            }
        }
        page.is_end = file >= files;
        Ok(page)
    }

    fn backward(
        &self,
        place: RowPlace,
        mut number: Option<u64>,
        count: usize,
        expanded: &BTreeSet<String>,
        cancel: &CancelToken,
    ) -> Result<Page, DocumentError> {
        let is_end = self.is_end_of_all(place)?;
        let (mut file, mut before) = (place.file, place.key);
        let mut pieces: Vec<Vec<Row>> = Vec::new();
        let mut have = 0;
        let is_front = loop {
            let rows = self.file(file)?;
            if before > rows.front {
                let start = rows.key_before(before, count - have, cancel)?;
                let room = PageRoom {
                    rows: usize::MAX,
                    row_bytes: ROW_BYTES_MAX.min(4 * PAGE_BYTES_MAX / count),
                    bytes: usize::MAX,
                    scan: u64::MAX,
                };
                let read = rows.forward((start, Some(before)), room, cancel)?;
                let own = match number {
                    Some(number) => Some(number.saturating_sub(read.len() as u64)),
                    None => {
                        let own = rows.number_of(start, cancel)?;
                        self.rows_before(file).zip(own).map(|(all, own)| all + own)
                    }
                };
                number = own;
                have += read.len();
                let numbered = read.into_iter().zip(0..);
                let piece = numbered
                    .map(|(raw, n)| row_of(&rows, file, raw, own.map(|own| own + n), expanded));
                pieces.push(piece.collect());
                // These may be fewer: long rows come a few at a time.
                if start > rows.front {
                    break false;
                }
            }
            if file == 0 {
                break true;
            }
            if have >= count {
                break false;
            }
            file -= 1;
            let earlier = self.file(file)?;
            before = match earlier.end() {
                Some(end) => end,
                None => self.count_file(file, cancel, &|_| {})?,
            };
        };
        pieces.reverse();
        Ok(Page {
            rows: pieces.into_iter().flatten().collect(),
            is_front,
            is_end,
        })
    }

    fn is_end_of_all(&self, place: RowPlace) -> Result<bool, DocumentError> {
        let is_last = place.file as usize + 1 == self.file_count();
        Ok(is_last
            && self
                .file(place.file)?
                .end()
                .is_some_and(|end| place.key >= end))
    }

    /// Reads single rows.
    pub(in crate::tui) fn rows_at(
        &self,
        places: &[(RowPlace, Option<u64>)],
        expanded: &BTreeSet<String>,
        cancel: &CancelToken,
    ) -> Result<Vec<Row>, DocumentError> {
        let mut found = Vec::new();
        let room = PageRoom {
            rows: 1,
            row_bytes: ROW_BYTES_MAX,
            bytes: PAGE_BYTES_MAX,
            scan: u64::MAX,
        };
        for (place, number) in places {
            cancel.check()?;
            let rows = self.file(place.file)?;
            let read = rows.forward((place.key, None), room, cancel)?;
            for raw in read {
                found.push(row_of(&rows, place.file, raw, *number, expanded));
            }
        }
        Ok(found)
    }

    /// Reads the text of one row, at most `most` bytes. Returns its whole length too.
    pub(in crate::tui) fn text_at(
        &self,
        place: RowPlace,
        most: usize,
        cancel: &CancelToken,
    ) -> Result<(Vec<u8>, u64), DocumentError> {
        let rows = self.file(place.file)?;
        let room = PageRoom {
            rows: 1,
            row_bytes: most,
            bytes: most,
            scan: u64::MAX,
        };
        let read = rows.forward((place.key, None), room, cancel)?;
        let row = read.into_iter().next().unwrap_or_default();
        Ok((row.text, row.bytes))
    }
}

fn row_of(
    rows: &FileRows,
    file: u32,
    raw: RawRow,
    number: Option<u64>,
    expanded: &BTreeSet<String>,
) -> Row {
    let is_cut = raw.bytes > raw.text.len() as u64;
    let (cells, is_broken) = cells_of(&rows.layout.shape, &raw.text, is_cut, expanded);
    Row {
        place: RowPlace { file, key: raw.key },
        next: raw.next,
        number,
        text: raw.text,
        bytes: Some(raw.bytes),
        is_cut,
        is_broken,
        cells,
    }
}
