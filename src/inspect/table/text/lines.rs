//! Files of lines: JSON Lines and plain text. Every thread reads its own parts.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::LongRow;
use crate::inspect::table::Next;
use crate::inspect::table::RowSource;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::rows::batch::Filled;
use crate::read_at::ReadAt;
use crate::wire::limits::ROW_BYTES_MAX;

/// Bytes in which the rows of one batch begin: little enough to stay in a core's cache from the
/// reading to the last look.
pub(crate) const PART_BYTES: u64 = 256 << 10;
/// Bytes that are read at a time behind a part, for the end of its last row.
const TAIL_BYTES: usize = 8 << 10;
/// Bytes that are read first of a row that is read alone.
const FIRST_BYTES: u64 = 2 << 10;

/// A file of lines.
pub struct Lines {
    source: Arc<dyn ReadAt>,
    size: u64,
    shape: Shape,
    /// Where the first row begins.
    front: u64,
    /// A row whose place is known, and where it begins.
    known: (u64, u64),
}

impl Lines {
    /// Lines whose text has this shape, of as much of the source as there is now.
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

    /// The same with rows from this byte on: a byte order mark is before it.
    #[must_use]
    pub fn with_front(mut self, offset: u64) -> Self {
        self.front = offset.min(self.size);
        self
    }

    /// The same where it is known at which byte a row begins, so that rows from there on are found
    /// without counting those before.
    #[must_use]
    pub fn with_known(mut self, row: u64, offset: u64) -> Self {
        self.known = (row, offset);
        self
    }

    /// Where a row begins, by counting from what is known; the end of the file where there is none.
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

impl Table for Lines {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn batches(self: Arc<Self>, selection: &Selection) -> Result<Arc<dyn Batches>, TableError> {
        let start = self.start_of(selection.from)?;
        Ok(Arc::new(LineBatches {
            parts: (self.size - start).div_ceil(PART_BYTES),
            table: self,
            start,
            next: AtomicU64::new(0),
        }))
    }
}

struct LineBatches {
    table: Arc<Lines>,
    /// Where the first row begins.
    start: u64,
    parts: u64,
    next: AtomicU64,
}

impl Batches for LineBatches {
    fn next(&self, batch: &mut Batch) -> Result<Next, TableError> {
        let part = self.next.fetch_add(1, Ordering::Relaxed);
        if part >= self.parts {
            return Ok(Next::End(self.parts));
        }
        let from = self.start + part * PART_BYTES;
        let to = (from + PART_BYTES).min(self.table.size);
        let mut read = Ok(());
        batch.refill_lines(&self.table.shape, self.begin(part), |text| {
            let mut filled = Filled::default();
            read = self.read_rows(text, part, to, &mut filled);
            filled.bytes_read = to - from;
            filled
        });
        self.note_long(batch);
        read.map(|()| Next::Batch(part))
    }

    fn row(&self, number: u64, place: u32, into: &mut Batch) -> Result<bool, TableError> {
        let at = self.begin(number) + u64::from(place);
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
    /// Of the last row of a batch, where it is cut.
    fn note_long(&self, batch: &mut Batch) {
        if batch.truncated() == 0 {
            return;
        }
        let at = batch.text().len() - ROW_BYTES_MAX.min(batch.text().len());
        let source = RowSource::Plain(Arc::clone(&self.table.source));
        let row = LongRow::line(source, batch.offset() + at as u64, None);
        batch.set_long(at, row);
    }

    /// Where a part is read from: the byte before it tells whether a row begins with it.
    fn begin(&self, part: u64) -> u64 {
        self.start + (part * PART_BYTES).saturating_sub(1)
    }

    /// Puts the rows that begin in a part, which ends before `to`, into `text`.
    fn read_rows(
        &self,
        text: &mut Vec<u8>,
        part: u64,
        to: u64,
        filled: &mut Filled,
    ) -> Result<(), TableError> {
        let begin = self.begin(part);
        self.fill(text, begin, to)?;
        if part > 0 {
            match memchr::memchr(b'\n', text) {
                // A row that begins where the next part does belongs to that.
                Some(end) if begin + (end as u64) + 1 < to => filled.front = end + 1,
                _ => {
                    text.clear();
                    return Ok(());
                }
            }
        }
        // Rows that begin here end behind the part, but for those of the last.
        let last = memchr::memrchr(b'\n', text).map_or(filled.front, |n| n + 1);
        match last == text.len() {
            true => Ok(()),
            false => self.read_end(text, last, to, filled),
        }
    }

    /// Puts the row that begins at a place into `text`.
    fn read_row(&self, text: &mut Vec<u8>, at: u64, filled: &mut Filled) -> Result<(), TableError> {
        let to = (at + FIRST_BYTES).min(self.table.size).max(at);
        self.fill(text, at, to)?;
        match memchr::memchr(b'\n', text) {
            Some(end) => {
                text.truncate(end + 1);
                Ok(())
            }
            None => self.read_end(text, 0, to, filled),
        }
    }

    /// Reads on from `at` to the end of the row that begins with byte `last` of the text.
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

    /// Puts the bytes between two places into the buffer, in place of what it holds.
    fn fill(&self, text: &mut Vec<u8>, from: u64, to: u64) -> Result<(), TableError> {
        let length = usize::try_from(to - from).unwrap_or(usize::MAX);
        // What is there is written over, so that only a buffer that grows is filled with zeros.
        text.resize(length, 0);
        let mut filled = 0;
        while let Some(rest) = text.get_mut(filled..).filter(|r| !r.is_empty()) {
            filled += read_some(&*self.table.source, rest, from + filled as u64, to)?;
        }
        Ok(())
    }
}

/// Fills some of the buffer from `at`, and not beyond `end`.
pub(crate) fn read_some(
    source: &dyn ReadAt,
    buffer: &mut [u8],
    at: u64,
    end: u64,
) -> Result<usize, TableError> {
    let room = usize::try_from(end - at).unwrap_or(usize::MAX);
    let room = room.min(buffer.len());
    let buffer = buffer.get_mut(..room).unwrap_or_default();
    loop {
        match source.read_at(buffer, at) {
            Ok(0) => return Err(TableError::Shrunk),
            Ok(n) => return Ok(n),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
}
