//! Line reader: finds the start of a line in its block, and reads from there in constant memory.

use std::io;

use crate::inspect::line_index::Block;
use crate::inspect::line_index::LinesError;
use crate::read_at::ReadAt;

/// A line that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSpan {
    /// Line number, from 0.
    pub number: u64,
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Length of its text in bytes, without the line end.
    pub bytes: u64,
}

/// A piece of a line in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinePart<'a> {
    /// Part of the text, never empty.
    Text(&'a [u8]),
    /// End of the line.
    End(LineSpan),
}

/// Finds the offset of a line in its block.
///
/// # Errors
/// [`LinesError::Changed`] if the block has fewer newlines than counted, [`LinesError::Shrunk`] if
/// the block is missing, and I/O errors.
pub fn start_in(source: &dyn ReadAt, block: &Block) -> Result<u64, LinesError> {
    let (mut at, end) = (block.start, block.start + block.bytes);
    let (mut found, mut start) = (0_u32, None);
    let mut buffer = buffer_for(block.bytes);
    while at < end {
        let piece = read_some(source, &mut buffer, at, end)?;
        for newline in memchr::memchr_iter(b'\n', piece) {
            found += 1;
            if found == block.skip {
                start = Some(at + newline as u64 + 1);
            }
        }
        at += piece.len() as u64;
    }
    match start {
        _ if found != block.newlines => Err(LinesError::Changed),
        None if block.skip > 0 => Err(LinesError::Changed),
        start => Ok(start.unwrap_or(block.start)),
    }
}

/// Passes the text of at most `count` lines to `sink`, piece by piece. Starts with line `number` at
/// `offset`, and ignores bytes from `size` on.
///
/// # Errors
/// Errors of `sink`, [`LinesError::Shrunk`], and I/O errors.
pub fn each_line<E: From<LinesError>>(
    source: &dyn ReadAt,
    size: u64,
    (number, offset): (u64, u64),
    count: u64,
    sink: &mut dyn FnMut(LinePart<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut splitter = LineSplitter {
        line: LineSpan {
            number,
            offset,
            bytes: 0,
        },
        has_return: false,
        left: count,
        sink,
    };
    let mut at = offset;
    let mut buffer = buffer_for(size.saturating_sub(offset));
    while at < size && splitter.left > 0 {
        let piece = read_some(source, &mut buffer, at, size)?;
        splitter.push(piece, at)?;
        at += piece.len() as u64;
    }
    if splitter.left > 0 && splitter.line.offset < size {
        splitter.flush_return()?;
        splitter.end(size)?;
    }
    Ok(())
}

/// Splitter of pieces of a file into lines.
struct LineSplitter<'a, E> {
    line: LineSpan,
    /// True if the last piece ended with a carriage return. It is text unless a newline follows.
    has_return: bool,
    /// Number of lines still wanted.
    left: u64,
    sink: &'a mut dyn FnMut(LinePart<'_>) -> Result<(), E>,
}

impl<E> LineSplitter<'_, E> {
    fn push(&mut self, piece: &[u8], at: u64) -> Result<(), E> {
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', piece) {
            let text = piece.get(start..newline).unwrap_or_default();
            start = newline + 1;
            if !text.is_empty() {
                self.flush_return()?;
            }
            self.has_return = false;
            self.text(text.strip_suffix(b"\r").unwrap_or(text))?;
            self.end(at + start as u64)?;
            if self.left == 0 {
                return Ok(());
            }
        }
        let rest = piece.get(start..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        self.flush_return()?;
        let text = rest.strip_suffix(b"\r");
        self.has_return = text.is_some();
        self.text(text.unwrap_or(rest))
    }

    fn flush_return(&mut self) -> Result<(), E> {
        if std::mem::take(&mut self.has_return) {
            self.text(b"\r")
        } else {
            Ok(())
        }
    }

    fn text(&mut self, text: &[u8]) -> Result<(), E> {
        if text.is_empty() {
            return Ok(());
        }
        self.line.bytes += text.len() as u64;
        (self.sink)(LinePart::Text(text))
    }

    fn end(&mut self, next: u64) -> Result<(), E> {
        (self.sink)(LinePart::End(self.line))?;
        self.left -= 1;
        self.line = LineSpan {
            number: self.line.number + 1,
            offset: next,
            bytes: 0,
        };
        Ok(())
    }
}

/// Reads into the buffer from `at`, not beyond `end`.
pub(super) fn read_some<'a>(
    source: &dyn ReadAt,
    buffer: &'a mut [u8],
    at: u64,
    end: u64,
) -> Result<&'a [u8], LinesError> {
    let room = usize::try_from(end - at).unwrap_or(usize::MAX);
    let room = room.min(buffer.len());
    let buffer = buffer.get_mut(..room).unwrap_or_default();
    loop {
        match source.read_at(buffer, at) {
            Ok(0) => return Err(LinesError::Shrunk),
            Ok(n) => return Ok(buffer.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
}

fn buffer_for(bytes: u64) -> Vec<u8> {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    vec![0; bytes.min(BUFFER_BYTES)]
}

const BUFFER_BYTES: usize = 64 << 10;
