//! Values that were passed over whole.

use crate::inspect::json::Text;

/// A part of a text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// How many bytes stand before it.
    pub start: usize,
    /// The same and its own.
    pub end: usize,
}

impl Span {
    /// Its bytes in the text that it was found in; empty in one that is shorter.
    pub fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// `null`.
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

/// A whole value that is JSON, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// What it is.
    pub kind: ValueKind,
    /// Its bytes, with quotes or brackets, without the white space around it.
    pub raw: &'a [u8],
    /// How many bytes stand before it.
    pub at: usize,
}

impl<'a> Value<'a> {
    /// Where it stands.
    pub fn span(&self) -> Span {
        Span {
            start: self.at,
            end: self.at + self.raw.len(),
        }
    }

    /// The inside of the quotes, of a string.
    pub fn text(&self) -> Option<Text<'a>> {
        let raw = self.raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let is_escaped = memchr::memchr(b'\\', raw).is_some();
        Some(Text { raw, is_escaped })
    }
}
