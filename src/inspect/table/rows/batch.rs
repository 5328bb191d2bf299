//! Batches of rows in memory.

use std::cell::Cell;
use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::inspect::table::LongRow;
use crate::inspect::table::Shape;
use crate::inspect::table::StoredColumn;

/// Consecutive rows of a table. The table's row numbers are known only after all earlier batches
/// are counted, so rows here have an index within the batch.
#[derive(Clone, Debug)]
pub struct Batch {
    buffer: Vec<u8>,
    /// Bytes of the buffer before the first row.
    front: usize,
    /// Bytes of the buffer before the first byte read.
    padding: usize,
    cut: RowBounds,
    shape: Shape,
    offset: u64,
    truncated: u64,
    bytes_read: u64,
    /// Position of a cut row in the text, and the source of the whole row.
    long: Option<(usize, LongRow)>,
    decoded: Option<RecordBatch>,
    stored: Option<Arc<[StoredColumn]>>,
    /// Number of rows, blank ones included, once it was counted: the text is not read again for it.
    counted: Cell<Option<u64>>,
}

/// Row boundaries.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RowBounds {
    /// Each newline ends a row, with the carriage return before it.
    Lines,
    /// Ranges of the text.
    Spans(Vec<(u32, u32)>),
    /// A number of rows without text.
    Bare(u64),
}

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Index within the batch, from 0.
    pub index: u64,
    /// Offset of its text in the batch's text.
    pub at: usize,
    /// Its text, without the line end.
    pub text: &'a [u8],
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            front: 0,
            padding: 0,
            cut: RowBounds::Lines,
            shape: Shape::Text,
            offset: 0,
            truncated: 0,
            bytes_read: 0,
            long: None,
            decoded: None,
            stored: None,
            counted: Cell::new(None),
        }
    }
}

impl Batch {
    /// Text of all rows, including separators.
    pub fn text(&self) -> &[u8] {
        self.buffer.get(self.front..).unwrap_or_default()
    }

    /// Syntax of the rows.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Offset of the text in the file; meaningless in formats that do not contain rows as text.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Position of a row for [`Batches::row`](crate::inspect::table::Batches::row).
    pub fn place_of(&self, row: &Row<'_>) -> u32 {
        u32::try_from(self.front - self.padding + row.at).unwrap_or(u32::MAX)
    }

    /// Number of rows longer than `ROW_BYTES_MAX`, cut there.
    pub fn truncated(&self) -> u64 {
        self.truncated
    }

    /// Source of a whole row longer than `ROW_BYTES_MAX`; `None` for other rows.
    pub fn long(&self, row: &Row<'_>) -> Option<&LongRow> {
        let (at, long) = self.long.as_ref()?;
        (*at == row.at).then_some(long)
    }

    /// Decoded columns of the rows, if requested from a columnar file.
    pub fn decoded(&self) -> Option<&RecordBatch> {
        self.decoded.as_ref()
    }

    /// Columns of a columnar file whose strings have a stored type.
    pub fn stored(&self) -> Option<&Arc<[StoredColumn]>> {
        self.stored.as_ref()
    }

    /// Number of file bytes read for the batch.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Returns true if every newline of the text ends a row.
    pub fn is_lines(&self) -> bool {
        self.cut == RowBounds::Lines
    }

    /// Number of rows, blank rows included.
    pub fn count(&self) -> u64 {
        match &self.cut {
            RowBounds::Lines => self.counted.get().unwrap_or_else(|| {
                let ends = memchr::memchr_iter(b'\n', self.text()).count() as u64;
                ends + u64::from(self.text().last().is_some_and(|b| *b != b'\n'))
            }),
            RowBounds::Spans(spans) => spans.len() as u64,
            RowBounds::Bare(rows) => *rows,
        }
    }

    /// Iterates over the rows in order. Skips blank rows in formats that ignore them; their indices
    /// stay unused.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let skips_blank = self.shape.skips_blank() && !matches!(self.cut, RowBounds::Bare(_));
        self.rows_and_blanks()
            .filter(move |row| !skips_blank || !row.is_blank())
    }

    /// Number of rows, without ignored blank lines.
    pub fn count_rows(&self) -> u64 {
        if !self.shape.skips_blank() || self.cut != RowBounds::Lines {
            return self.rows().count() as u64;
        }
        // Hardly any line starts with white space, and all others are not blank.
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
        let (mut rows, mut all, mut start) = (0, 0, 0);
        for end in memchr::memchr_iter(b'\n', text) {
            rows += u64::from(is_row(start, end));
            all += 1;
            start = end + 1;
        }
        let has_rest = start < text.len();
        self.counted.set(Some(all + u64::from(has_rest)));
        rows + u64::from(has_rest && is_row(start, text.len()))
    }

    /// Iterates over all rows, ignored blank ones included.
    pub fn rows_and_blanks(&self) -> impl Iterator<Item = Row<'_>> {
        RowsAndBlanks {
            batch: self,
            text: self.text(),
            index: 0,
            at: 0,
        }
    }

    /// Refills the batch with lines. `fill` overwrites the buffer, which still holds the old
    /// content. The first byte read is at `offset` in the file.
    pub fn refill_lines(
        &mut self,
        shape: &Shape,
        offset: u64,
        fill: impl FnOnce(&mut Vec<u8>) -> Filled,
    ) {
        let filled = fill(&mut self.buffer);
        self.cut = RowBounds::Lines;
        self.set(shape, offset, filled);
    }

    /// Refills the batch with ranges of a text. `fill` overwrites the buffer, which still holds the
    /// old content, and adds ranges to the emptied list.
    pub fn refill_spans(
        &mut self,
        shape: &Shape,
        offset: u64,
        fill: impl FnOnce(&mut Vec<u8>, &mut Vec<(u32, u32)>) -> Filled,
    ) {
        let mut spans = match std::mem::replace(&mut self.cut, RowBounds::Lines) {
            RowBounds::Spans(spans) => spans,
            RowBounds::Lines | RowBounds::Bare(_) => Vec::new(),
        };
        spans.clear();
        let filled = fill(&mut self.buffer, &mut spans);
        self.cut = RowBounds::Spans(spans);
        self.set(shape, offset, filled);
    }

    /// Refills the batch with rows without text.
    pub fn refill_bare(&mut self, shape: &Shape, rows: &RecordBatch, bytes_read: u64) {
        self.buffer.clear();
        self.cut = RowBounds::Bare(rows.num_rows() as u64);
        let filled = Filled {
            bytes_read,
            ..Filled::default()
        };
        self.set(shape, 0, filled);
        self.decoded = Some(rows.clone());
    }

    /// Sets the source of the cut row at this offset of the text.
    pub(in crate::inspect::table) fn set_long(&mut self, at: usize, row: LongRow) {
        self.long = Some((at, row));
    }

    /// Adds the decoded columns.
    pub(in crate::inspect::table) fn set_decoded(&mut self, rows: RecordBatch) {
        self.decoded = Some(rows);
    }

    /// Sets the stored types of strings.
    pub(in crate::inspect::table) fn set_stored(&mut self, stored: &Arc<[StoredColumn]>) {
        self.stored = Some(Arc::clone(stored));
    }

    fn set(&mut self, shape: &Shape, offset: u64, filled: Filled) {
        (self.long, self.decoded, self.stored) = (None, None, None);
        self.counted.set(None);
        if self.shape != *shape {
            self.shape = shape.clone();
        }
        self.front = filled.front;
        self.padding = filled.padding.min(filled.front);
        self.offset = offset + (self.front - self.padding) as u64;
        self.truncated = filled.truncated;
        self.bytes_read = filled.bytes_read;
    }
}

/// Result of filling a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Bytes of the buffer before the first row.
    pub front: usize,
    /// Bytes of the buffer, among those, before the first byte read.
    pub padding: usize,
    /// Number of cut rows.
    pub truncated: u64,
    /// Number of file bytes read.
    pub bytes_read: u64,
}

impl Row<'_> {
    fn is_blank(&self) -> bool {
        self.text
            .iter()
            .all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
    }
}

struct RowsAndBlanks<'a> {
    batch: &'a Batch,
    text: &'a [u8],
    index: u64,
    at: usize,
}

impl<'a> Iterator for RowsAndBlanks<'a> {
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        let (index, text) = (self.index, self.text);
        let (at, end) = match &self.batch.cut {
            RowBounds::Lines => {
                let rest = text.get(self.at..).filter(|r| !r.is_empty())?;
                let end = memchr::memchr(b'\n', rest);
                let at = self.at;
                self.at += end.map_or(rest.len(), |n| n + 1);
                let end = at + end.unwrap_or(rest.len());
                let has_newline = end < self.at;
                let has_return = has_newline && end > at && text.get(end - 1) == Some(&b'\r');
                (at, end - usize::from(has_return))
            }
            RowBounds::Spans(spans) => {
                let (start, end) = spans.get(usize::try_from(index).ok()?)?;
                (usize::try_from(*start).ok()?, usize::try_from(*end).ok()?)
            }
            RowBounds::Bare(rows) => {
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
