//! JSON syntax errors and their positions.

use thiserror::Error;

/// Syntax error: the first invalid byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("byte {at}: {reason}")]
pub struct ScanError {
    /// Offset of the byte; the length of the text if it ends too early.
    pub at: usize,
    /// Kind of the error.
    pub reason: Reason,
}

/// Kind of a syntax error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Reason {
    /// The text begins with U+FEFF. RFC 8259 lets a reader ignore it. The opener of a file does so;
    /// a row must not have one.
    #[error("a byte order mark before the value")]
    ByteOrderMark,
    /// No comma or closing bracket after an element or a member.
    #[error("expected a comma or a closing bracket")]
    Comma,
    /// No colon after a key.
    #[error("expected a colon")]
    Colon,
    /// A byte below 0x20 in a string.
    #[error("a control character in a string")]
    Control,
    /// Nesting beyond [`JSON_DEPTH_MAX`](crate::wire::limits::JSON_DEPTH_MAX).
    #[error("nested too deeply")]
    Depth,
    /// The text ends inside a value.
    #[error("the text ends too early")]
    End,
    /// A backslash without a valid escape.
    #[error("not a valid escape")]
    Escape,
    /// A token other than a string in the place of a key.
    #[error("expected a key")]
    Key,
    /// A malformed number.
    #[error("not a number")]
    Number,
    /// Further text after the value.
    #[error("unexpected text after the value")]
    Trailing,
    /// A string that is not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// No value where one is required.
    #[error("expected a value")]
    Value,
}

impl Reason {
    pub(in crate::inspect::json) const fn at(self, at: usize) -> ScanError {
        ScanError { at, reason: self }
    }
}

/// Position of a byte, as an editor counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPosition {
    /// Line number, from 1. A line feed ends a line.
    pub line: usize,
    /// Character number in the line, from 1. An invalid byte counts as one character, except a
    /// stray UTF-8 continuation byte, which does not count.
    pub column: usize,
}

impl TextPosition {
    /// Computes the position of the byte at offset `at`.
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
