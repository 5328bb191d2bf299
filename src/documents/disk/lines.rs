//! Lines of the log in order.

use std::io;

use crate::documents::disk::data_file::DataFile;
use crate::documents::format::limits::LINE_BYTES_MAX;

/// Number of bytes that are read at once.
const PIECE_BYTES: usize = 256 << 10;

/// A cursor over the lines of the log.
#[derive(Debug)]
pub(crate) struct Lines {
    data: DataFile,
    /// Offset of the first byte of `buffer`.
    base: u64,
    buffer: Vec<u8>,
    /// Begin of the next line in `buffer`.
    at: usize,
    /// Offset in `buffer` from which the search for a line feed goes on.
    searched: usize,
    is_over: bool,
    /// The line in `buffer`.
    current: std::ops::Range<usize>,
    is_ended: bool,
    is_too_long: bool,
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

impl Lines {
    pub(crate) fn new(data: DataFile, start: u64) -> Self {
        Self {
            data,
            base: start,
            buffer: Vec::new(),
            at: 0,
            searched: 0,
            is_over: false,
            current: 0..0,
            is_ended: false,
            is_too_long: false,
        }
    }

    /// Goes to the next line, blank ones too. Returns its offset, and its length with the line feed; `None` at the end.
    pub(crate) fn advance(&mut self) -> io::Result<Option<(u64, u64)>> {
        let mut skipped = 0_u64;
        loop {
            let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(found) = memchr::memchr(b'\n', unsearched) {
                let end = self.searched + found;
                let start = std::mem::replace(&mut self.at, end + 1);
                self.searched = end + 1;
                return Ok(Some(self.found(start..end, skipped, true)));
            }
            self.searched = self.buffer.len();
            if self.is_over {
                let end = self.buffer.len();
                let start = std::mem::replace(&mut self.at, end);
                let is_none = start == end && skipped == 0;
                return Ok((!is_none).then(|| self.found(start..end, skipped, false)));
            }
            if self.buffer.len() - self.at > LINE_BYTES_MAX {
                skipped += (self.buffer.len() - self.at) as u64;
                self.at = self.buffer.len();
            }
            self.fill()?;
        }
    }

    fn found(&mut self, range: std::ops::Range<usize>, skipped: u64, is_ended: bool) -> (u64, u64) {
        let length = skipped + range.len() as u64;
        let offset = self.base + range.start as u64 - skipped;
        self.is_ended = is_ended;
        self.is_too_long = length >= LINE_BYTES_MAX as u64;
        self.current = range;
        (offset, length + u64::from(is_ended))
    }

    /// Returns the line that [`Lines::advance`] went to, without its line feed; nothing of one that is too long.
    pub(crate) fn current(&self) -> &[u8] {
        match self.is_too_long {
            true => &[],
            false => self.buffer.get(self.current.clone()).unwrap_or_default(),
        }
    }

    /// Returns the next line, blank ones too; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let next = self.advance()?;
        Ok(next.map(|(offset, length)| Line {
            offset,
            bytes: self.current(),
            is_ended: self.is_ended,
            is_too_long: self.is_too_long,
            length,
        }))
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
