//! Values skipped as a whole, and spans of text.

use crate::inspect::json::Text;

/// A byte range of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Offset of its first byte.
    pub start: usize,
    /// Offset after its last byte.
    pub end: usize,
}

impl Span {
    /// The bytes of the span in its text; empty if the text is shorter.
    pub fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// The value `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A whole valid value and its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// Type of the value.
    pub kind: ValueKind,
    /// Its bytes with quotes or brackets, without white space around them.
    pub raw: &'a [u8],
    /// Offset of its first byte.
    pub at: usize,
}

impl<'a> Value<'a> {
    /// Byte range of the value.
    pub fn span(&self) -> Span {
        Span {
            start: self.at,
            end: self.at + self.raw.len(),
        }
    }

    /// The content of a string, without its quotes; `None` for other types.
    pub fn text(&self) -> Option<Text<'a>> {
        let raw = self.raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let is_escaped = memchr::memchr(b'\\', raw).is_some();
        Some(Text { raw, is_escaped })
    }
}
