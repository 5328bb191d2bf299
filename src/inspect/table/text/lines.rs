//! Files of lines: JSON Lines and plain text. Every thread reads its own parts.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::LongRow;
use crate::inspect::table::NextBatch;
use crate::inspect::table::RowSource;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::read_some::read_some;
use crate::inspect::table::rows::batch::Filled;
use crate::read_at::ReadAt;
use crate::wire::limits::ROW_BYTES_MAX;

/// Part of the file whose rows form one batch, in bytes. It fits into a core's cache from the read
/// to the last use. Parts begin at its multiples, because the system copies whole pages faster.
pub(crate) const PART_BYTES: u64 = 256 << 10;
/// Alignment of the bytes read, in memory. The system copies more slowly to a place shortly behind
/// the one that it copies from, of a page, and large memory blocks begin at such a place.
const ALIGNMENT: usize = 64;
/// Bytes read with a part after its end, where most last rows end.
const BEHIND_BYTES: u64 = 4 << 10;
/// Bytes per further read for the end of the last row.
const TAIL_BYTES: usize = 8 << 10;
/// Bytes of the first read for a single row.
const FIRST_BYTES: u64 = 2 << 10;

/// A file of lines.
pub struct LineTable {
    source: Arc<dyn ReadAt>,
    size: u64,
    shape: Shape,
    /// Offset of the first row.
    front: u64,
    /// Number and offset of a known row.
    known: (u64, u64),
}

impl LineTable {
    /// Creates a table of lines with a shape, over the present size of the source.
    pub fn new(source: Arc<dyn ReadAt>, shape: Shape) -> Self {
        let size = source.len();
        Self {
            source,
            size,
            shape,
            front: 0,
            known: (0, 0),
        }
    }

    /// Sets the offset of the first row, after a byte order mark.
    #[must_use]
    pub fn with_front(mut self, offset: u64) -> Self {
        self.front = offset.min(self.size);
        self
    }

    /// Sets the offset of a known row. Later rows are then found without counting the earlier ones.
    #[must_use]
    pub fn with_known(mut self, row: u64, offset: u64) -> Self {
        self.known = (row, offset);
        self
    }

    /// Finds the offset of a row by counting from the nearest known one; the end of the file if
    /// there is none.
    fn start_of(&self, row: u64) -> Result<u64, TableError> {
        let (mut at_row, mut at) = match self.known {
            (known, offset) if known > 0 && known <= row => (known, offset),
            _ => (0, self.front),
        };
        let mut piece = vec![0; 64 << 10];
        while at_row < row && at < self.size {
            let n = read_some(&*self.source, &mut piece, at, self.size)?;
            let piece = piece.get(..n).unwrap_or_default();
            let left = usize::try_from(row - at_row).unwrap_or(usize::MAX);
            match memchr::memchr_iter(b'\n', piece).nth(left - 1) {
                Some(end) => return Ok(at + end as u64 + 1),
                None => at_row += memchr::memchr_iter(b'\n', piece).count() as u64,
            }
            at += n as u64;
        }
        Ok(if at_row == row { at } else { self.size })
    }
}

impl Table for LineTable {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn batches(self: Arc<Self>, selection: &Selection) -> Result<Arc<dyn Batches>, TableError> {
        let start = self.start_of(selection.from)?;
        let parts = match start < self.size {
            true => self.size.div_ceil(PART_BYTES) - start / PART_BYTES,
            false => 0,
        };
        Ok(Arc::new(LineBatches {
            parts,
            table: self,
            start,
            next: AtomicU64::new(0),
        }))
    }
}

struct LineBatches {
    table: Arc<LineTable>,
    /// Offset of the first row.
    start: u64,
    parts: u64,
    next: AtomicU64,
}

impl Batches for LineBatches {
    fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError> {
        let part = self.next.fetch_add(1, Ordering::Relaxed);
        if part >= self.parts {
            return Ok(NextBatch::End(self.parts));
        }
        let (from, to) = self.part(part);
        let mut read = Ok(());
        batch.refill_lines(&self.table.shape, from, |text| {
            let mut filled = Filled::default();
            read = self.read_rows(text, part, &mut filled);
            filled.bytes_read = to - from;
            filled
        });
        self.note_long(batch);
        read.map(|()| NextBatch::Batch(part))
    }

    fn row(&self, number: u64, place: u32, into: &mut Batch) -> Result<bool, TableError> {
        let at = self.part(number).0 + u64::from(place);
        let mut read = Ok(());
        into.refill_lines(&self.table.shape, at, |text| {
            let mut filled = Filled::default();
            read = self.read_row(text, at, &mut filled);
            filled
        });
        self.note_long(into);
        read.map(|()| true)
    }
}

impl LineBatches {
    /// Records the source of the last row, if it is cut.
    fn note_long(&self, batch: &mut Batch) {
        if batch.truncated() == 0 {
            return;
        }
        let at = batch.text().len() - ROW_BYTES_MAX.min(batch.text().len());
        let source = RowSource::Plain(Arc::clone(&self.table.source));
        let row = LongRow::line(source, batch.offset() + at as u64, None);
        batch.set_long(at, row);
    }

    /// Returns the offsets of the begin and the end of a part.
    fn part(&self, part: u64) -> (u64, u64) {
        let begin = (self.start / PART_BYTES + part) * PART_BYTES;
        let end = (begin + PART_BYTES).min(self.table.size);
        (begin.max(self.start), end)
    }

    /// Reads the rows of a part into `text`: those after a newline of the part, and the first row of
    /// all.
    fn read_rows(
        &self,
        text: &mut Vec<u8>,
        part: u64,
        filled: &mut Filled,
    ) -> Result<(), TableError> {
        let (from, to) = self.part(part);
        let behind = (to + BEHIND_BYTES).min(self.table.size);
        let padding = self.fill(text, from, behind)?;
        let end = padding.saturating_add(usize::try_from(to - from).unwrap_or(usize::MAX));
        let inside = text.get(..end).unwrap_or_default();
        let read = inside.get(padding..).unwrap_or_default();
        let mut front = padding;
        if part > 0 {
            let Some(newline) = memchr::memchr(b'\n', read) else {
                text.clear();
                return Ok(());
            };
            front += newline + 1;
        }
        (filled.front, filled.padding) = (front, padding);
        // The last row ends after the part.
        let last = memchr::memrchr(b'\n', read).map_or(front, |n| padding + n + 1);
        let rest = text.get(end..).unwrap_or_default();
        match memchr::memchr(b'\n', rest) {
            Some(newline) => {
                text.truncate(end + newline + 1);
                Ok(())
            }
            None => self.read_end(text, last, behind, filled),
        }
    }

    /// Reads the row at an offset into `text`.
    fn read_row(&self, text: &mut Vec<u8>, at: u64, filled: &mut Filled) -> Result<(), TableError> {
        let to = (at + FIRST_BYTES).min(self.table.size).max(at);
        let padding = self.fill(text, at, to)?;
        (filled.front, filled.padding) = (padding, padding);
        match memchr::memchr(b'\n', text.get(padding..).unwrap_or_default()) {
            Some(end) => {
                text.truncate(padding + end + 1);
                Ok(())
            }
            None => self.read_end(text, padding, to, filled),
        }
    }

    /// Reads on from `at` to the end of the row that starts at byte `last` of the text.
    fn read_end(
        &self,
        text: &mut Vec<u8>,
        last: usize,
        mut at: u64,
        filled: &mut Filled,
    ) -> Result<(), TableError> {
        let (source, size) = (&*self.table.source, self.table.size);
        let mut tail = [0; TAIL_BYTES];
        while at < size {
            let n = read_some(source, &mut tail, at, size)?;
            let piece = tail.get(..n).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', piece) {
                text.extend_from_slice(piece.get(..=end).unwrap_or_default());
                break;
            }
            text.extend_from_slice(piece);
            at += n as u64;
            if text.len() - last > ROW_BYTES_MAX {
                break;
            }
        }
        if text.len() - last > ROW_BYTES_MAX {
            text.truncate(last + ROW_BYTES_MAX);
            filled.truncated = 1;
        }
        Ok(())
    }

    /// Replaces the content of the buffer by the bytes between two offsets, aligned. Returns the
    /// number of bytes before them.
    fn fill(&self, text: &mut Vec<u8>, from: u64, to: u64) -> Result<usize, TableError> {
        let length = usize::try_from(to - from).unwrap_or(usize::MAX);
        let room = length.saturating_add(ALIGNMENT);
        text.reserve(room.saturating_sub(text.len()));
        let padding = text.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        // Old content is overwritten, so zeros are filled in only when the buffer grows.
        text.resize(padding + length, 0);
        let mut filled = padding;
        while let Some(rest) = text.get_mut(filled..).filter(|r| !r.is_empty()) {
            let at = from + (filled - padding) as u64;
            filled += read_some(&*self.table.source, rest, at, to)?;
        }
        Ok(padding)
    }
}
