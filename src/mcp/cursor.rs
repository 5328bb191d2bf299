//! Cursors: where a list goes on. A cursor holds everything, and the server nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::mcp::error::ToolError;

/// Length in bytes: a version, a mark of content and question, and a position.
const CURSOR_BYTES: usize = 1 + MARK_BYTES + 8;
const MARK_BYTES: usize = 12;
const VERSION: u8 = 1;

/// The content and the question that a cursor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CursorScope([u8; MARK_BYTES]);

impl CursorScope {
    /// Marks a question about some content.
    pub(crate) fn new(content: &str, question: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("alimentar mcp cursor");
        hasher.update(&(content.len() as u64).to_le_bytes());
        hasher.update(content.as_bytes());
        hasher.update(question.as_bytes());
        let mut mark = [0; MARK_BYTES];
        hasher.finalize_xof().fill(&mut mark);
        Self(mark)
    }

    /// Writes the cursor of a position.
    pub(crate) fn cursor(&self, position: u64) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.0);
        bytes.extend(position.to_le_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the position of a cursor.
    ///
    /// # Errors
    /// [`ToolError`] if it is no cursor, or belongs to other content or another question.
    pub(crate) fn position(&self, cursor: &str) -> Result<u64, ToolError> {
        let bad = || ToolError::new("this is no cursor").with_next("call again without `cursor`");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| bad())?;
        if bytes.len() != CURSOR_BYTES || bytes.first() != Some(&VERSION) {
            return Err(bad());
        }
        if bytes.get(1..=MARK_BYTES) != Some(self.0.as_slice()) {
            return Err(ToolError::new(
                "this cursor belongs to another file, another version or another question",
            )
            .with_next("call again with the same arguments, without `cursor`"));
        }
        let position = bytes.get(1 + MARK_BYTES..).and_then(|b| b.try_into().ok());
        position.map(u64::from_le_bytes).ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::CursorScope;

    #[test]
    fn cursor_of_other_content_is_refused() {
        let (a, b) = (CursorScope::new("a", "q"), CursorScope::new("b", "q"));
        let cursor = a.cursor(7);
        assert_eq!(a.position(&cursor).unwrap(), 7);
        assert!(b.position(&cursor).unwrap_err().text().contains("another"));
        assert!(CursorScope::new("a", "r").position(&cursor).is_err());
    }

    #[test]
    fn text_that_is_no_cursor_is_refused() {
        let scope = CursorScope::new("a", "q");
        for text in [
            "",
            "x",
            "????",
            &"A".repeat(1000),
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(scope.position(text).is_err(), "{text}");
        }
    }
}
