//! Rows that are longer than `ROW_BYTES_MAX`: a batch has their beginning, and the whole of them
//! is read from the file again, piece by piece.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::inspect::format::detect::Compression;
use crate::inspect::format::encoding::TextEncoding;
use crate::inspect::table::TableError;
use crate::inspect::table::input::Input;
use crate::inspect::table::text::lines::read_some;
use crate::read_at::ReadAt;
use crate::wire::limits::LONG_ROW_BYTES_MAX;

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 256 << 10;

/// A file whose text can be read again.
#[derive(Clone)]
pub enum RowSource {
    /// A place in the text is a place in the file.
    Plain(Arc<dyn ReadAt>),
    /// The text is compressed or in another encoding, and is read from its front.
    Packed(Arc<dyn ReadAt>, Compression, TextEncoding),
}

/// Where a long row lies.
#[derive(Clone)]
pub struct LongRow {
    source: RowSource,
    /// Offset of its first byte in the text.
    at: u64,
    /// Offset of the byte behind its last; of a line it may not be known.
    end: Option<u64>,
    /// It is a line: the newline that ends it, and a carriage return before that, are no part of it.
    is_line: bool,
}

impl fmt::Debug for LongRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, end, .. } = self;
        f.debug_struct("LongRow")
            .field("at", at)
            .field("end", end)
            .finish_non_exhaustive()
    }
}

/// Why a long row could not be handed on.
#[derive(Debug)]
pub enum LongRowError {
    /// It cannot be read.
    Read(TableError),
    /// Who takes it failed.
    Sink(io::Error),
}

impl LongRow {
    /// A line from a place to its newline, which is before `end`.
    pub(in crate::inspect::table) fn line(source: RowSource, at: u64, end: Option<u64>) -> Self {
        Self {
            source,
            at,
            end,
            is_line: true,
        }
    }

    /// The bytes between two places.
    pub(in crate::inspect::table) fn part(source: RowSource, at: u64, end: u64) -> Self {
        Self {
            source,
            at,
            end: Some(end),
            is_line: false,
        }
    }

    /// All of it, in memory.
    ///
    /// # Errors
    /// [`TableError::Limit`] where it is longer than `LONG_ROW_BYTES_MAX`, and those of reading.
    pub fn whole(&self) -> Result<Vec<u8>, TableError> {
        let mut text = Vec::new();
        let mut is_over = false;
        let done = self.each(&mut |piece| {
            is_over = text.len() + piece.len() > LONG_ROW_BYTES_MAX;
            if is_over {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            text.extend_from_slice(piece);
            Ok(())
        });
        match done {
            Ok(()) => Ok(text),
            Err(LongRowError::Sink(_)) => Err(TableError::Limit(format!(
                "a row has more than {LONG_ROW_BYTES_MAX} bytes (`long_row_bytes_max`), which are not taken into memory"
            ))),
            Err(LongRowError::Read(error)) => Err(error),
        }
    }

    /// Shows all of it, in pieces.
    ///
    /// # Errors
    /// What reading meets, and what `each` says.
    pub fn each(&self, each: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), LongRowError> {
        let mut line = Line {
            is_line: self.is_line,
            has_return: false,
            is_over: false,
        };
        let mut piece = vec![0; PIECE_BYTES];
        match &self.source {
            RowSource::Plain(source) => {
                let end = self.end.unwrap_or_else(|| source.len());
                let mut at = self.at;
                while at < end && !line.is_over {
                    let n =
                        read_some(&**source, &mut piece, at, end).map_err(LongRowError::Read)?;
                    at += n as u64;
                    line.show(piece.get(..n).unwrap_or_default(), each)?;
                }
            }
            RowSource::Packed(source, compression, encoding) => {
                let mut input = Input::open_as(Arc::clone(source), (*compression, *encoding), 0);
                let end = self.end.unwrap_or(u64::MAX);
                let mut at = 0;
                while at < end && !line.is_over {
                    let n = input.read(&mut piece).map_err(LongRowError::Read)?;
                    if n == 0 {
                        break;
                    }
                    let within = |place: u64| {
                        usize::try_from(place.saturating_sub(at)).map_or(n, |place| place.min(n))
                    };
                    let part = piece.get(within(self.at)..within(end)).unwrap_or_default();
                    at += n as u64;
                    if at > self.at {
                        line.show(part, each)?;
                    }
                }
            }
        }
        line.finish(each)
    }
}

/// Leaves the end of a line out.
struct Line {
    is_line: bool,
    /// A carriage return was the last byte, and was not shown.
    has_return: bool,
    is_over: bool,
}

impl Line {
    fn show(
        &mut self,
        piece: &[u8],
        each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), LongRowError> {
        if !self.is_line {
            return each(piece).map_err(LongRowError::Sink);
        }
        let newline = memchr::memchr(b'\n', piece);
        let mut part = piece
            .get(..newline.unwrap_or(piece.len()))
            .unwrap_or_default();
        if self.has_return && !part.is_empty() {
            each(b"\r").map_err(LongRowError::Sink)?;
            self.has_return = false;
        }
        if let Some(before) = part.strip_suffix(b"\r") {
            (part, self.has_return) = (before, true);
        }
        self.is_over = newline.is_some();
        // What stands before the newline belongs to it.
        self.has_return &= !self.is_over;
        each(part).map_err(LongRowError::Sink)
    }

    /// The last line may have no newline, and then a carriage return is its own.
    fn finish(&self, each: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), LongRowError> {
        match self.has_return {
            true => each(b"\r").map_err(LongRowError::Sink),
            false => Ok(()),
        }
    }
}
