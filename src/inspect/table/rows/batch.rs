//! Rows that follow each other, in memory.

use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::inspect::table::LongRow;
use crate::inspect::table::Shape;
use crate::inspect::table::StoredColumn;

/// Rows that follow each other. Their numbers in the table are known only once all batches before
/// are counted, so rows have their number within the batch here.
#[derive(Clone, Debug)]
pub struct Batch {
    buffer: Vec<u8>,
    /// Bytes of the buffer before the first row.
    front: usize,
    cut: Cut,
    shape: Shape,
    offset: u64,
    truncated: u64,
    bytes_read: u64,
    /// Where the text of the row begins that is cut, and where the whole of it lies.
    long: Option<(usize, LongRow)>,
    decoded: Option<RecordBatch>,
    stored: Option<Arc<[StoredColumn]>>,
}

/// Where rows end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cut {
    /// Each newline ends one, with the carriage return before it.
    Lines,
    /// At these places in the text.
    Spans(Vec<(u32, u32)>),
    /// There are so many, without text.
    Bare(u64),
}

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its number within the batch, from 0.
    pub index: u64,
    /// Where its text begins in the text of the batch.
    pub at: usize,
    /// Its text, without the line's end.
    pub text: &'a [u8],
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            front: 0,
            cut: Cut::Lines,
            shape: Shape::Text,
            offset: 0,
            truncated: 0,
            bytes_read: 0,
            long: None,
            decoded: None,
            stored: None,
        }
    }
}

impl Batch {
    /// All its rows, with what is between them.
    pub fn text(&self) -> &[u8] {
        self.buffer.get(self.front..).unwrap_or_default()
    }

    /// What is in the rows' text.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Where its text begins in the file; of no meaning where rows are not written as such there.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where a row of it lies, for [`Batches::row`](crate::inspect::table::Batches::row).
    pub fn place_of(&self, row: &Row<'_>) -> u32 {
        u32::try_from(self.front + row.at).unwrap_or(u32::MAX)
    }

    /// How many of its rows are longer than `ROW_BYTES_MAX`, and cut there.
    pub fn truncated(&self) -> u64 {
        self.truncated
    }

    /// Where the whole of a row lies that is longer than `ROW_BYTES_MAX`; none for other rows.
    pub fn long(&self, row: &Row<'_>) -> Option<&LongRow> {
        let (at, long) = self.long.as_ref()?;
        (*at == row.at).then_some(long)
    }

    /// Its rows as the columns of the file, where these were asked for and the file is columnar.
    pub fn decoded(&self) -> Option<&RecordBatch> {
        self.decoded.as_ref()
    }

    /// Columns whose strings stand for something else, where the file is columnar.
    pub fn stored(&self) -> Option<&Arc<[StoredColumn]>> {
        self.stored.as_ref()
    }

    /// How many bytes of the file were read for it.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Whether every newline of its text ends a row.
    pub fn is_lines(&self) -> bool {
        self.cut == Cut::Lines
    }

    /// How many rows it has, blank ones included.
    pub fn count(&self) -> u64 {
        match &self.cut {
            Cut::Lines => {
                let ends = memchr::memchr_iter(b'\n', self.text()).count() as u64;
                ends + u64::from(self.text().last().is_some_and(|b| *b != b'\n'))
            }
            Cut::Spans(spans) => spans.len() as u64,
            Cut::Bare(rows) => *rows,
        }
    }

    /// Its rows in order. A row without anything but white space is passed over where the format
    /// says that it is none; its number stays free.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let skips_blank = self.shape.skips_blank() && !matches!(self.cut, Cut::Bare(_));
        self.rows_and_blanks()
            .filter(move |row| !skips_blank || !row.is_blank())
    }

    /// How many rows it has; blank lines that are none do not count.
    pub fn count_rows(&self) -> u64 {
        if !self.shape.skips_blank() || self.cut != Cut::Lines {
            return self.rows().count() as u64;
        }
        // Hardly any line begins with white space, and no other is blank.
        let text = self.text();
        let is_row = |start: usize, end: usize| {
            let line = text.get(start..end).unwrap_or_default();
            let is_quick = line.first().is_some_and(|b| *b > b' ');
            is_quick
                || !(Row {
                    index: 0,
                    at: 0,
                    text: line,
                })
                .is_blank()
        };
        let (mut rows, mut start) = (0, 0);
        for end in memchr::memchr_iter(b'\n', text) {
            rows += u64::from(is_row(start, end));
            start = end + 1;
        }
        rows + u64::from(start < text.len() && is_row(start, text.len()))
    }

    /// The same with those that are passed over.
    pub fn rows_and_blanks(&self) -> impl Iterator<Item = Row<'_>> {
        Rows {
            batch: self,
            text: self.text(),
            index: 0,
            at: 0,
        }
    }

    /// Makes it one of lines: `fill` puts them into the buffer, in place of what it still holds. The
    /// buffer's first byte is at `offset` in the file.
    pub fn refill_lines(
        &mut self,
        shape: &Shape,
        offset: u64,
        fill: impl FnOnce(&mut Vec<u8>) -> Filled,
    ) {
        let filled = fill(&mut self.buffer);
        self.cut = Cut::Lines;
        self.set(shape, offset, filled);
    }

    /// Makes it one of rows at places of its text: `fill` puts these into the emptied list, and the text
    /// into the buffer, in place of what it still holds.
    pub fn refill_spans(
        &mut self,
        shape: &Shape,
        offset: u64,
        fill: impl FnOnce(&mut Vec<u8>, &mut Vec<(u32, u32)>) -> Filled,
    ) {
        let mut spans = match std::mem::replace(&mut self.cut, Cut::Lines) {
            Cut::Spans(spans) => spans,
            Cut::Lines | Cut::Bare(_) => Vec::new(),
        };
        spans.clear();
        let filled = fill(&mut self.buffer, &mut spans);
        self.cut = Cut::Spans(spans);
        self.set(shape, offset, filled);
    }

    /// Makes it one of rows that have no text.
    pub fn refill_bare(&mut self, shape: &Shape, rows: &RecordBatch, bytes_read: u64) {
        self.buffer.clear();
        self.cut = Cut::Bare(rows.num_rows() as u64);
        let filled = Filled {
            bytes_read,
            ..Filled::default()
        };
        self.set(shape, 0, filled);
        self.decoded = Some(rows.clone());
    }

    /// Says where the row lies that begins at this place of its text and is cut.
    pub(in crate::inspect::table) fn set_long(&mut self, at: usize, row: LongRow) {
        self.long = Some((at, row));
    }

    /// Adds the columns that its rows are made of.
    pub(in crate::inspect::table) fn set_decoded(&mut self, rows: RecordBatch) {
        self.decoded = Some(rows);
    }

    /// Says what the strings of its rows stand for.
    pub(in crate::inspect::table) fn set_stored(&mut self, stored: &Arc<[StoredColumn]>) {
        self.stored = Some(Arc::clone(stored));
    }

    fn set(&mut self, shape: &Shape, offset: u64, filled: Filled) {
        (self.long, self.decoded, self.stored) = (None, None, None);
        if self.shape != *shape {
            self.shape = shape.clone();
        }
        self.front = filled.front;
        self.offset = offset + filled.front as u64;
        self.truncated = filled.truncated;
        self.bytes_read = filled.bytes_read;
    }
}

/// What was put into a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Bytes of the buffer before the first row.
    pub front: usize,
    /// Rows that were cut.
    pub truncated: u64,
    /// Bytes of the file that were read.
    pub bytes_read: u64,
}

impl Row<'_> {
    fn is_blank(&self) -> bool {
        self.text
            .iter()
            .all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
    }
}

struct Rows<'a> {
    batch: &'a Batch,
    text: &'a [u8],
    index: u64,
    at: usize,
}

impl<'a> Iterator for Rows<'a> {
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        let (index, text) = (self.index, self.text);
        let (at, end) = match &self.batch.cut {
            Cut::Lines => {
                let rest = text.get(self.at..).filter(|r| !r.is_empty())?;
                let end = memchr::memchr(b'\n', rest);
                let at = self.at;
                self.at += end.map_or(rest.len(), |n| n + 1);
                let end = at + end.unwrap_or(rest.len());
                let has_newline = end < self.at;
                let has_return = has_newline && end > at && text.get(end - 1) == Some(&b'\r');
                (at, end - usize::from(has_return))
            }
            Cut::Spans(spans) => {
                let (start, end) = spans.get(usize::try_from(index).ok()?)?;
                (usize::try_from(*start).ok()?, usize::try_from(*end).ok()?)
            }
            Cut::Bare(rows) => {
                (index < *rows).then_some(())?;
                (0, 0)
            }
        };
        self.index += 1;
        Some(Row {
            index,
            at,
            text: text.get(at..end).unwrap_or_default(),
        })
    }
}
