//! Splices: replaced rows, in the coordinates of the state before the edit.

use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

/// Kind of a splice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpliceKind {
    /// Rows are replaced by as many.
    Change,
    /// Rows are removed.
    Delete,
    /// Rows are added.
    Insert,
    /// Rows get another end, and do not count as changed.
    End,
}

/// A splice of a journal. Its text is a range of the journal's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Splice {
    /// Effect on rows.
    pub kind: SpliceKind,
    /// First row.
    pub row: u64,
    /// Number of rows that are changed, removed or added.
    pub rows: u64,
    /// Offset of the first replaced byte.
    pub at: u64,
    /// Number of replaced bytes.
    pub bytes: u64,
    /// Replaced bytes that stay in front of the text.
    pub keep_front: u64,
    /// Replaced bytes that stay behind the text.
    pub keep_back: u64,
    /// Offset of the text in the journal.
    pub text_at: u64,
    /// Length of the text in bytes.
    pub text_bytes: u64,
}

/// A splice to be written, with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSplice {
    /// Effect on rows.
    pub kind: SpliceKind,
    /// First row.
    pub row: u64,
    /// Number of rows that are changed, removed or added.
    pub rows: u64,
    /// Offset of the first replaced byte.
    pub at: u64,
    /// Number of replaced bytes.
    pub bytes: u64,
    /// Replaced bytes that stay in front of the text.
    pub keep_front: u64,
    /// Replaced bytes that stay behind the text.
    pub keep_back: u64,
    /// The text.
    pub text: Vec<u8>,
}

impl SpliceKind {
    fn number(self) -> u8 {
        match self {
            Self::Change => 0,
            Self::Delete => 1,
            Self::Insert => 2,
            Self::End => 3,
        }
    }

    fn from_number(number: u8) -> Result<Self, DecodeError> {
        match number {
            0 => Ok(Self::Change),
            1 => Ok(Self::Delete),
            2 => Ok(Self::Insert),
            3 => Ok(Self::End),
            _ => Err(DecodeError::Invalid("splice")),
        }
    }
}

impl NewSplice {
    /// Creates the splice that replaces `rows` rows of `old` bytes at an offset by `new`, which has
    /// as many rows. Bytes that both begin or end with are kept.
    pub fn change((row, rows): (u64, u64), at: u64, old: &[u8], new: &[u8]) -> Self {
        let front = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let rest = |bytes: &[u8]| bytes.len() - front;
        let most = rest(old).min(rest(new));
        let back = old.iter().rev().zip(new.iter().rev()).take(most);
        let back = back.take_while(|(a, b)| a == b).count();
        let text = new.get(front..new.len() - back).unwrap_or_default();
        Self {
            kind: SpliceKind::Change,
            row,
            rows,
            at,
            bytes: old.len() as u64,
            keep_front: front as u64,
            keep_back: back as u64,
            text: text.to_vec(),
        }
    }

    /// Creates the splice that removes rows of a number of bytes.
    pub fn delete((row, rows): (u64, u64), at: u64, bytes: u64) -> Self {
        Self {
            kind: SpliceKind::Delete,
            row,
            rows,
            at,
            bytes,
            keep_front: 0,
            keep_back: 0,
            text: Vec::new(),
        }
    }

    /// Creates the splice that adds rows in front of a row.
    pub fn insert((row, rows): (u64, u64), at: u64, text: Vec<u8>) -> Self {
        Self {
            kind: SpliceKind::Insert,
            row,
            rows,
            at,
            bytes: 0,
            keep_front: 0,
            keep_back: 0,
            text,
        }
    }

    /// Creates the splice that ends a row of `bytes` bytes, which has no line end, with one.
    pub fn end_row(row: u64, at: u64, bytes: u64, line_end: &[u8]) -> Self {
        Self {
            kind: SpliceKind::End,
            row,
            rows: 1,
            at,
            bytes,
            keep_front: bytes,
            keep_back: 0,
            text: line_end.to_vec(),
        }
    }

    /// Returns the first row and the first byte behind what it replaces.
    fn end(&self) -> (u64, u64) {
        let rows = match self.kind {
            SpliceKind::Insert => 0,
            SpliceKind::Change | SpliceKind::Delete | SpliceKind::End => self.rows,
        };
        (self.row + rows, self.at + self.bytes)
    }

    /// Appends the splice. `before` is the end of the splice before it.
    pub(super) fn write(&self, before: &mut (u64, u64), w: &mut Writer) {
        w.u8(self.kind.number());
        w.varint(self.row.saturating_sub(before.0))
            .varint(self.rows);
        w.varint(self.at.saturating_sub(before.1))
            .varint(self.bytes);
        w.varint(self.keep_front).varint(self.keep_back);
        w.counted(&self.text);
        *before = self.end();
    }
}

impl Splice {
    /// Returns the first row behind what it replaces.
    pub(super) fn end_row(&self) -> u64 {
        match self.kind {
            SpliceKind::Insert => self.row,
            SpliceKind::Change | SpliceKind::Delete | SpliceKind::End => self.row + self.rows,
        }
    }

    /// Reads a splice. `before` is the end of the splice before it, and `end` the offset of the end
    /// of the reader in the journal.
    pub(super) fn read(
        r: &mut Reader<'_>,
        before: &mut (u64, u64),
        end: u64,
    ) -> Result<Self, DecodeError> {
        let kind = SpliceKind::from_number(r.u8()?)?;
        let row = sum(before.0, r.varint()?)?;
        let rows = r.varint()?;
        let at = sum(before.1, r.varint()?)?;
        let bytes = r.varint()?;
        let (keep_front, keep_back) = (r.varint()?, r.varint()?);
        let text_bytes = r.varint()?;
        let text_at = end - r.remaining() as u64;
        r.bytes(usize::try_from(text_bytes).map_err(|_| DecodeError::Truncated)?)?;
        let found = Self {
            kind,
            row,
            rows,
            at,
            bytes,
            keep_front,
            keep_back,
            text_at,
            text_bytes,
        };
        let is_valid = match kind {
            SpliceKind::Change | SpliceKind::End => sum(keep_front, keep_back)? <= bytes,
            SpliceKind::Delete => keep_front == 0 && keep_back == 0 && text_bytes == 0,
            SpliceKind::Insert => bytes == 0 && keep_front == 0 && keep_back == 0,
        };
        if !is_valid || rows == 0 {
            return Err(DecodeError::Invalid("splice"));
        }
        sum(row, rows)?;
        *before = (found.end_row(), sum(at, bytes)?);
        Ok(found)
    }
}

/// Adds positions, which stay far below the end of the number.
pub(super) fn sum(a: u64, b: u64) -> Result<u64, DecodeError> {
    let sum = a.checked_add(b).filter(|n| *n < POSITION_MAX);
    sum.ok_or(DecodeError::Invalid("position"))
}

/// Limit of rows and of bytes.
const POSITION_MAX: u64 = 1 << 60;
