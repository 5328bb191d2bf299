//! Lines of a file from any offset, forwards and backwards.

use crate::read_at::ReadAt;
use crate::tui::document::CancelToken;
use crate::tui::document::DocumentError;
use crate::tui::limits::BLOCK_BYTES;
use crate::tui::limits::PAGE_SCAN_BYTES;

/// A row without its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RawRow {
    pub key: u64,
    pub next: u64,
    pub text: Vec<u8>,
    pub bytes: u64,
}

/// Reads blocks of a file in order.
pub(super) struct Blocks<'a> {
    pub source: &'a dyn ReadAt,
    pub cancel: &'a CancelToken,
    pub buffer: Vec<u8>,
    /// Bytes of the next block: few at first, because a screen is soon full.
    room: usize,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(source: &'a dyn ReadAt, cancel: &'a CancelToken) -> Self {
        Self {
            source,
            cancel,
            buffer: Vec::new(),
            room: BLOCK_BYTES / 8,
        }
    }

    /// Reads a block at an offset, up to `end`. An empty block is the end of the file.
    pub(super) fn read(&mut self, at: u64, end: u64) -> Result<&[u8], DocumentError> {
        self.cancel.check()?;
        let left = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
        let room = self.room.min(left);
        self.room = (self.room * 2).min(4 * BLOCK_BYTES);
        self.buffer.resize(room.max(self.buffer.len()), 0);
        let to = self.buffer.get_mut(..room).unwrap_or_default();
        let mut filled = 0;
        while filled < to.len() {
            let rest = to.get_mut(filled..).unwrap_or_default();
            match self.source.read_at(rest, at + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(self.buffer.get(..filled).unwrap_or_default())
    }
}

/// Limits of one page.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageRoom {
    pub rows: usize,
    /// Bytes of one row.
    pub row_bytes: usize,
    /// Bytes of all rows.
    pub bytes: usize,
    /// Bytes of the file, with those of rows that are not kept.
    pub scan: u64,
}

impl PageRoom {
    /// Returns true if rows with these bytes, which end so far behind the first, fill the room.
    pub(super) fn is_full(&self, rows: usize, held: usize, scanned: u64) -> bool {
        rows >= self.rows || held >= self.bytes || scanned >= self.scan
    }
}

/// Reads lines from the start of one at `from`, not beyond `end`.
pub(super) fn forward(
    source: &dyn ReadAt,
    (from, end): (u64, u64),
    room: PageRoom,
    cancel: &CancelToken,
) -> Result<Vec<RawRow>, DocumentError> {
    let mut blocks = Blocks::new(source, cancel);
    let (mut rows, mut row) = (
        Vec::new(),
        RawRow {
            key: from,
            ..RawRow::default()
        },
    );
    let (mut at, mut held) = (from, 0);
    while at < end {
        let block = blocks.read(at, end)?;
        if block.is_empty() {
            break;
        }
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', block) {
            push(
                &mut row,
                block.get(start..newline).unwrap_or_default(),
                room.row_bytes,
            );
            start = newline + 1;
            row.next = at + start as u64;
            held += row.text.len();
            let next = row.next;
            rows.push(without_return(std::mem::take(&mut row)));
            row.key = next;
            if room.is_full(rows.len(), held, next - from) {
                return Ok(rows);
            }
        }
        push(
            &mut row,
            block.get(start..).unwrap_or_default(),
            room.row_bytes,
        );
        at += block.len() as u64;
    }
    if at > row.key {
        row.next = at;
        // A carriage return before the end of the file is text.
        rows.push(row);
    }
    Ok(rows)
}

fn push(row: &mut RawRow, text: &[u8], most: usize) {
    let left = most.saturating_sub(row.text.len()).min(text.len());
    row.text
        .extend_from_slice(text.get(..left).unwrap_or_default());
    row.bytes += text.len() as u64;
}

fn without_return(mut row: RawRow) -> RawRow {
    if row.text.len() as u64 == row.bytes && row.text.last() == Some(&b'\r') {
        row.text.pop();
        row.bytes -= 1;
    }
    row
}

/// Returns the start of the line that is `count` lines before the start of a line, not before `front`. Of long
/// lines it may be fewer.
pub(super) fn start_before(
    source: &dyn ReadAt,
    (front, before): (u64, u64),
    count: usize,
    cancel: &CancelToken,
) -> Result<u64, DocumentError> {
    // The newline right before `before` ends the first line that is wanted.
    let mut end = before.saturating_sub(1).max(front);
    let mut left = count;
    let mut last = None;
    let mut blocks = Blocks::new(source, cancel);
    while end > front {
        if let Some(last) = last.filter(|_| before - end >= PAGE_SCAN_BYTES) {
            return Ok(last);
        }
        let room = (blocks.room as u64).min(end - front);
        let start = end - room;
        let block = blocks.read(start, end)?;
        for newline in memchr::memrchr_iter(b'\n', block) {
            left -= 1;
            last = Some(start + newline as u64 + 1);
            if left == 0 {
                return Ok(start + newline as u64 + 1);
            }
        }
        end = start;
    }
    Ok(front)
}

/// Counts newlines between two offsets.
pub(super) fn newlines(
    source: &dyn ReadAt,
    (from, to): (u64, u64),
    cancel: &CancelToken,
) -> Result<u64, DocumentError> {
    let mut blocks = Blocks::new(source, cancel);
    let (mut at, mut found) = (from, 0);
    while at < to {
        let block = blocks.read(at, to)?;
        if block.is_empty() {
            break;
        }
        found += memchr::memchr_iter(b'\n', block).count() as u64;
        at += block.len() as u64;
    }
    Ok(found)
}

/// Returns the offset behind a number of newlines from an offset, or `None` if there are fewer.
pub(super) fn skip_lines(
    source: &dyn ReadAt,
    (from, end): (u64, u64),
    lines: u64,
    cancel: &CancelToken,
) -> Result<Option<u64>, DocumentError> {
    let mut blocks = Blocks::new(source, cancel);
    let (mut at, mut left) = (from, lines);
    if left == 0 {
        return Ok(Some(from));
    }
    while at < end {
        let block = blocks.read(at, end)?;
        if block.is_empty() {
            break;
        }
        for newline in memchr::memchr_iter(b'\n', block) {
            left -= 1;
            if left == 0 {
                return Ok(Some(at + newline as u64 + 1));
            }
        }
        at += block.len() as u64;
    }
    Ok(None)
}
