//! JSON Lines in pieces of whole lines, from memory or from a reader.

use std::borrow::Cow;
use std::io;
use std::io::Read;

use crate::documents::format::limits::LINE_BYTES_MAX;

/// Number of bytes of a piece; one more line may end it.
pub(super) const PIECE_BYTES: usize = 1 << 20;

/// Some whole lines.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// The lines; nothing of one that is too long.
    pub(super) bytes: Cow<'a, [u8]>,
    /// Number of the first line, from 1.
    pub(super) first_line: u64,
    /// Bytes that were taken for it.
    pub(super) taken: u64,
    /// True if the piece is a line that is longer than a line may be.
    pub(super) is_too_long: bool,
    /// True if the reader had no more bytes at that moment, so that nobody should wait for the next piece.
    pub(super) is_last_for_now: bool,
}

/// A source of pieces.
pub(super) trait Pieces<'a> {
    /// Returns the next piece; `None` at the end. Its bytes are put into `buffer` if they are not in memory.
    ///
    /// # Errors
    /// As the reader, after the whole lines before the error.
    fn next_piece(&mut self, buffer: impl FnOnce() -> Vec<u8>) -> io::Result<Option<Piece<'a>>>;
}

/// Pieces of a text in memory.
#[derive(Debug)]
pub(super) struct BlobPieces<'a> {
    rest: &'a [u8],
    line: u64,
}

impl<'a> BlobPieces<'a> {
    /// Begins at the first line.
    pub(super) fn new(blob: &'a [u8]) -> Self {
        Self {
            rest: blob,
            line: 1,
        }
    }
}

impl<'a> Pieces<'a> for BlobPieces<'a> {
    fn next_piece(&mut self, _: impl FnOnce() -> Vec<u8>) -> io::Result<Option<Piece<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let from = self.rest.len().min(PIECE_BYTES);
        let after = self.rest.get(from..).unwrap_or_default();
        let end = memchr::memchr(b'\n', after).map_or(self.rest.len(), |at| from + at + 1);
        let (bytes, rest) = self.rest.split_at(end);
        self.rest = rest;
        let first_line = self.line;
        self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        Ok(Some(Piece {
            bytes: Cow::Borrowed(bytes),
            first_line,
            taken: bytes.len() as u64,
            is_too_long: false,
            is_last_for_now: false,
        }))
    }
}

/// Pieces of what a reader has. No more than a line and a piece is held.
#[derive(Debug)]
pub(super) struct ReaderPieces<R> {
    from: R,
    /// Number of lines of a piece, at most.
    lines_max: usize,
    buffer: Vec<u8>,
    /// Begin of what is not taken yet.
    at: usize,
    line: u64,
    is_short: bool,
    is_over: bool,
    fault: Option<io::Error>,
}

impl<R: Read> ReaderPieces<R> {
    /// Begins at the first line.
    pub(super) fn new(from: R, lines_max: usize) -> Self {
        Self {
            from,
            lines_max: lines_max.max(1),
            buffer: Vec::new(),
            at: 0,
            line: 1,
            is_short: false,
            is_over: false,
            fault: None,
        }
    }

    /// Reads once. An error ends the text, and the line that it cut is none.
    fn read(&mut self) {
        self.buffer.drain(..self.at);
        self.at = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + PIECE_BYTES, 0);
        let read = loop {
            let to = self.buffer.get_mut(held..).unwrap_or_default();
            match self.from.read(to) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let n = *read.as_ref().unwrap_or(&0);
        self.buffer.truncate(held + n);
        self.is_short = n < PIECE_BYTES;
        self.is_over = n == 0;
        if let Err(e) = read {
            self.fault = Some(e);
            let whole = memchr::memrchr(b'\n', &self.buffer).map_or(0, |at| at + 1);
            self.buffer.truncate(whole);
        }
    }

    /// Returns the end of the lines that a piece may have, and their number, if a line is there.
    fn cut(&self, searched: usize) -> Option<(usize, usize)> {
        let rest = self.buffer.get(self.at + searched..).unwrap_or_default();
        let mut found = None;
        for (count, feed) in memchr::memchr_iter(b'\n', rest).enumerate() {
            let end = searched + feed + 1;
            found = Some((end, count + 1));
            if count + 1 == self.lines_max || end >= PIECE_BYTES {
                break;
            }
        }
        let left = self.buffer.len() - self.at;
        found.or_else(|| (self.is_over && left > 0).then_some((left, 1)))
    }

    /// Skips the rest of a line that is too long. Returns the number of its bytes.
    fn skip_line(&mut self) -> u64 {
        let mut skipped = 0;
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            let found = memchr::memchr(b'\n', rest).map(|at| at + 1);
            let passed = found.unwrap_or(rest.len());
            skipped += passed as u64;
            self.at += passed;
            if found.is_some() || self.is_over {
                return skipped;
            }
            self.read();
        }
    }

    fn piece(
        &mut self,
        bytes: Vec<u8>,
        taken: u64,
        lines: u64,
        is_too_long: bool,
    ) -> Piece<'static> {
        let first_line = self.line;
        self.line += lines;
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        Piece {
            bytes: Cow::Owned(bytes),
            first_line,
            taken,
            is_too_long,
            is_last_for_now: self.is_short && memchr::memchr(b'\n', rest).is_none(),
        }
    }
}

impl<R: Read> Pieces<'static> for ReaderPieces<R> {
    fn next_piece(
        &mut self,
        buffer: impl FnOnce() -> Vec<u8>,
    ) -> io::Result<Option<Piece<'static>>> {
        let mut searched = 0;
        loop {
            if let Some((length, lines)) = self.cut(searched) {
                let mut bytes = buffer();
                let end = self.at + length;
                bytes.extend_from_slice(self.buffer.get(self.at..end).unwrap_or_default());
                self.at = end;
                return Ok(Some(self.piece(bytes, length as u64, lines as u64, false)));
            }
            if self.is_over {
                return self.fault.take().map_or(Ok(None), Err);
            }
            searched = self.buffer.len() - self.at;
            if searched > LINE_BYTES_MAX {
                let taken = self.skip_line();
                // The memory of a long line is not kept.
                self.buffer.shrink_to(PIECE_BYTES);
                return Ok(Some(self.piece(Vec::new(), taken, 1, true)));
            }
            self.read();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that has a few bytes at a time, and then fails.
    struct Slow<'a> {
        rest: &'a [u8],
        at_once: usize,
        fails: bool,
    }

    impl Read for Slow<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            if self.rest.is_empty() && self.fails {
                return Err(io::Error::other("torn"));
            }
            let n = self.at_once.min(self.rest.len()).min(to.len());
            let (now, rest) = self.rest.split_at(n);
            to[..n].copy_from_slice(now);
            self.rest = rest;
            Ok(n)
        }
    }

    fn all<'a>(mut pieces: impl Pieces<'a>) -> (Vec<(u64, String)>, bool) {
        let mut found = Vec::new();
        loop {
            match pieces.next_piece(Vec::new) {
                Ok(Some(piece)) => {
                    let text = String::from_utf8(piece.bytes.into_owned()).unwrap();
                    found.push((piece.first_line, text));
                }
                other => return (found, other.is_err()),
            }
        }
    }

    #[test]
    fn reader_with_any_number_of_bytes_gives_whole_lines_with_their_numbers() {
        let text = "a\n\nbb\nccc\nd";
        for at_once in 1..20 {
            for lines_max in 1..6 {
                for fails in [false, true] {
                    let rest = text.as_bytes();
                    let slow = Slow {
                        rest,
                        at_once,
                        fails,
                    };
                    let (found, failed) = all(ReaderPieces::new(slow, lines_max));
                    assert_eq!(failed, fails);
                    let mut line = 1;
                    for (first, piece) in &found {
                        assert_eq!(*first, line);
                        let count = piece.matches('\n').count();
                        assert!(count <= lines_max && (count > 0 || piece == "d"));
                        line += count as u64;
                    }
                    let whole: String = found.into_iter().map(|(_, piece)| piece).collect();
                    // An error cuts the last line, and what is there of it is no line.
                    let expected = if fails { "a\n\nbb\nccc\n" } else { text };
                    assert_eq!(whole, expected);
                }
            }
        }
    }

    #[test]
    fn text_in_memory_and_its_reader_give_the_same_pieces() {
        let lines: Vec<String> = (0..300_000).map(|n| format!("{n:x}\n")).collect();
        let text = lines.concat() + "end";
        let (of_blob, _) = all(BlobPieces::new(text.as_bytes()));
        assert!(of_blob.len() > 1);
        let (of_reader, _) = all(ReaderPieces::new(text.as_bytes(), usize::MAX));
        let joined =
            |pieces: Vec<(u64, String)>| -> String { pieces.into_iter().map(|p| p.1).collect() };
        assert_eq!(joined(of_blob), text);
        assert_eq!(joined(of_reader), text);
    }

    #[test]
    fn line_that_is_too_long_is_skipped_and_counted() {
        let long = io::repeat(b'x').take(LINE_BYTES_MAX as u64 + (3 << 20));
        let text = b"a\n".chain(long).chain(b"\nb\n".as_slice());
        let mut pieces = ReaderPieces::new(text, usize::MAX);
        let mut next = || pieces.next_piece(Vec::new).unwrap();
        let first = next().unwrap();
        assert_eq!((first.first_line, first.is_too_long), (1, false));
        let second = next().unwrap();
        assert_eq!((second.first_line, second.is_too_long), (2, true));
        let third = next().unwrap();
        assert_eq!(
            (third.first_line, third.bytes.as_ref()),
            (3, b"b\n".as_slice())
        );
        assert!(next().is_none());
    }
}
