//! A document as it is stored.

use serde_json::Value;

/// The bytes of a document: one JSON object with its `_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(Vec<u8>);

impl Document {
    /// Takes the bytes of a line, with or without its line feed.
    pub(crate) fn of_line(mut line: Vec<u8>) -> Self {
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        Self(line)
    }

    /// Returns the JSON text, without a line feed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the JSON text.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Returns the document as a tree of values. `_id` is a member of it.
    ///
    /// # Errors
    /// As `serde_json`, for numbers beyond its range.
    pub fn json(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.0)
    }
}
