//! What is wrong with a text, and where.

use thiserror::Error;

/// Why a text is not JSON: the first byte that cannot stand where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("byte {at}: {reason}")]
pub struct ScanError {
    /// How many bytes stand before that one; the length of the text where it ends too early.
    pub at: usize,
    /// What is wrong there.
    pub reason: Reason,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Reason {
    /// The text begins with U+FEFF. RFC 8259 lets a reader pass over it; the one who opens a file
    /// does, and a row has none.
    #[error("a byte order mark before the value")]
    ByteOrderMark,
    /// An element or a member is not followed by a comma or the end of what it is in.
    #[error("a comma or the closing bracket must stand here")]
    Comma,
    /// A key is not followed by a colon.
    #[error("a colon must stand here")]
    Colon,
    /// A byte below 0x20 within a string.
    #[error("a control character in a string")]
    Control,
    /// More arrays and objects within each other than
    /// [`JSON_DEPTH_MAX`](crate::wire::limits::JSON_DEPTH_MAX).
    #[error("nested too deeply")]
    Depth,
    /// The text ends within a value.
    #[error("the text ends too early")]
    End,
    /// A backslash with something behind it that is no escape.
    #[error("not an escape")]
    Escape,
    /// What stands in the place of a key is no string.
    #[error("a key must stand here")]
    Key,
    /// A number is not written as one.
    #[error("not a number")]
    Number,
    /// Something follows the value.
    #[error("something follows the value")]
    Trailing,
    /// A string is not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// What stands in the place of a value is none.
    #[error("a value must stand here")]
    Value,
}

impl Reason {
    pub(in crate::inspect::json) const fn at(self, at: usize) -> ScanError {
        ScanError { at, reason: self }
    }
}

/// Where a byte stands, as an editor counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1. Lines end with a line feed.
    pub line: usize,
    /// The character in its line, from 1. Bytes that are not UTF-8 count as one each where they
    /// could begin a character, and not at all where they could only continue one.
    pub column: usize,
}

impl Place {
    /// The place of the byte that `at` bytes of the text stand before.
    pub fn of(text: &[u8], at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = memchr::memrchr(b'\n', before).map_or(0, |n| n + 1);
        let in_line = before.get(line..).unwrap_or_default();
        let begins = |byte: &&u8| **byte & 0xc0 != 0x80;
        Self {
            line: memchr::memchr_iter(b'\n', before).count() + 1,
            column: in_line.iter().filter(begins).count() + 1,
        }
    }
}
