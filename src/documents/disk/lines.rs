//! Lines of the log in order.

use std::io;

use crate::documents::disk::data_file::DataFile;
use crate::documents::format::limits::LINE_BYTES_MAX;

/// Number of bytes that are read at once.
const PIECE_BYTES: usize = 1 << 20;

/// A cursor over the lines of the log.
pub(crate) struct Lines<'a> {
    data: &'a DataFile,
    /// Offset of the first byte of `buffer`.
    base: u64,
    buffer: Vec<u8>,
    /// Begin of the next line in `buffer`.
    at: usize,
    /// Offset in `buffer` from which the search for a line feed goes on.
    searched: usize,
    is_over: bool,
}

/// A line.
pub(crate) struct Line<'b> {
    /// Offset of its first byte.
    pub(crate) offset: u64,
    /// Its bytes without the line feed.
    pub(crate) bytes: &'b [u8],
    /// True if a line feed ends it.
    pub(crate) is_ended: bool,
    /// True if it is longer than a line may be; `bytes` is then empty.
    pub(crate) is_too_long: bool,
    /// Its length with the line feed.
    pub(crate) length: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(data: &'a DataFile, start: u64) -> Self {
        Self {
            data,
            base: start,
            buffer: Vec::new(),
            at: 0,
            searched: 0,
            is_over: false,
        }
    }

    /// Returns the next line, blank ones too; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut skipped = 0_u64;
        loop {
            let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(found) = memchr::memchr(b'\n', unsearched) {
                let end = self.searched + found;
                let (start, after) = (self.at, end + 1);
                (self.at, self.searched) = (after, after);
                return Ok(Some(self.line(start..end, skipped, true)));
            }
            self.searched = self.buffer.len();
            if self.is_over {
                let (start, end) = (self.at, self.buffer.len());
                self.at = end;
                let is_none = start == end && skipped == 0;
                return Ok((!is_none).then(|| self.line(start..end, skipped, false)));
            }
            if self.buffer.len() - self.at > LINE_BYTES_MAX {
                skipped += (self.buffer.len() - self.at) as u64;
                self.at = self.buffer.len();
            }
            self.fill()?;
        }
    }

    fn line(&self, range: std::ops::Range<usize>, skipped: u64, is_ended: bool) -> Line<'_> {
        let bytes = self.buffer.get(range.clone()).unwrap_or_default();
        let is_too_long = skipped > 0 || bytes.len() >= LINE_BYTES_MAX;
        Line {
            offset: self.base + range.start as u64 - skipped,
            bytes: if is_too_long { &[] } else { bytes },
            is_ended,
            is_too_long,
            length: skipped + bytes.len() as u64 + u64::from(is_ended),
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.at);
        self.base += self.at as u64;
        self.searched -= self.at;
        self.at = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + PIECE_BYTES, 0);
        let offset = self.base + held as u64;
        let n = self
            .data
            .read_some(self.buffer.get_mut(held..).unwrap_or_default(), offset)?;
        self.buffer.truncate(held + n);
        self.is_over = n == 0;
        Ok(())
    }
}
