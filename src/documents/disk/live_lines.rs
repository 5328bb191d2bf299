//! The lines of live documents in the order of the log.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::lines::Lines;
use crate::documents::table::DeadSnapshot;

/// A cursor over live lines, as they were at one moment.
#[derive(Debug)]
pub(crate) struct LiveLines {
    lines: Lines,
    /// Length of the log that is read; `None` when its end is reached.
    end: Option<u64>,
    /// Offset after the line that was read last.
    reached: u64,
    dead: std::iter::Peekable<std::vec::IntoIter<u64>>,
    unwritten: VecDeque<(u64, Arc<Vec<u8>>)>,
    /// Begin of the next line in the first of them.
    at: usize,
}

impl LiveLines {
    /// Begins at an offset of the log, which has `end` bytes. Bytes that are not written yet follow, with their offsets.
    ///
    /// # Errors
    /// As reading the dead lines.
    pub(crate) fn new(
        data: DataFile,
        range: std::ops::Range<u64>,
        dead: &DeadSnapshot,
        unwritten: impl IntoIterator<Item = (u64, Arc<Vec<u8>>)>,
    ) -> io::Result<Self> {
        let mut dead = dead.sorted()?;
        let before = dead.partition_point(|offset| *offset < range.start);
        dead.drain(..before);
        Ok(Self {
            lines: Lines::new(data, range.start),
            end: Some(range.end),
            reached: range.start,
            dead: dead.into_iter().peekable(),
            unwritten: unwritten.into_iter().collect(),
            at: 0,
        })
    }

    /// Returns the next line without its line feed, its offset, and its length with the line feed.
    ///
    /// # Errors
    /// As reading; `UnexpectedEof` if the log is shorter than it was.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u64, u64, &[u8])>> {
        while let Some(end) = self.end {
            // The borrow checker does not see that the line is not used after a `continue`.
            let Some((offset, length)) = self.lines.advance()?.filter(|(at, _)| *at < end) else {
                if self.reached < end {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.end = None;
                break;
            };
            self.reached = offset + length;
            if !self.is_dead(offset) {
                return Ok(Some((offset, length, self.lines.current())));
            }
        }
        self.next_unwritten()
    }

    fn next_unwritten(&mut self) -> io::Result<Option<(u64, u64, &[u8])>> {
        loop {
            let Some((start, bytes)) = self.unwritten.front() else {
                return Ok(None);
            };
            let rest = bytes.get(self.at..).unwrap_or_default();
            let Some(feed) = memchr::memchr(b'\n', rest) else {
                self.unwritten.pop_front();
                self.at = 0;
                continue;
            };
            let (offset, begin) = (start + self.at as u64, self.at);
            self.at += feed + 1;
            // A line feed alone ends a line that lacked it.
            if feed == 0 || self.is_dead(offset) {
                continue;
            }
            let bytes = self.unwritten.front().map(|(_, bytes)| bytes.as_slice());
            let line = bytes.and_then(|b| b.get(begin..begin + feed));
            return Ok(line.map(|line| (offset, feed as u64 + 1, line)));
        }
    }

    fn is_dead(&mut self, offset: u64) -> bool {
        while self.dead.next_if(|dead| *dead < offset).is_some() {}
        self.dead.next_if_eq(&offset).is_some()
    }
}
