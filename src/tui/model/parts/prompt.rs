//! The line that a person types.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::tui::limits::PROMPT_CHARS_MAX;

/// A line that is typed, with a cursor in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) struct Prompt {
    pub kind: PromptKind,
    pub text: String,
    /// Offset of the cursor.
    pub at: usize,
    /// Selected entry of the palette.
    pub selected: usize,
}

/// The purpose of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) enum PromptKind {
    Search,
    RowFilter,
    ColumnFilter,
    Palette,
    Export,
    /// A new value of a cell.
    Cell,
    /// A row to insert.
    Row,
    /// The name of a rule.
    Rule,
    /// Search in the list of datasets.
    Registry,
}

impl PromptKind {
    /// The sign before the line.
    pub(in crate::tui) fn sign(self) -> &'static str {
        match self {
            Self::Search | Self::Registry => "/",
            Self::RowFilter => "&",
            Self::ColumnFilter => "*",
            Self::Palette => ":",
            Self::Export => "write to: ",
            Self::Cell => "= ",
            Self::Row => "insert: ",
            Self::Rule => "mend: ",
        }
    }
}

impl Prompt {
    pub(in crate::tui::model) fn new(kind: PromptKind, text: &str) -> Self {
        Self {
            kind,
            text: text.to_owned(),
            at: text.len(),
            selected: 0,
        }
    }

    /// Inserts text without newlines; what is beyond the limit is left out.
    pub(in crate::tui::model) fn insert(&mut self, text: &str) {
        let left = PROMPT_CHARS_MAX.saturating_sub(self.text.chars().count());
        let kept = text.chars().filter(|c| !c.is_control()).take(left);
        let kept: String = kept.collect();
        self.text.insert_str(self.at, &kept);
        self.at += kept.len();
    }

    /// Removes the character before the cursor.
    pub(in crate::tui::model) fn erase(&mut self) {
        let before = self.before();
        self.text.replace_range(before..self.at, "");
        self.at = before;
    }

    /// Removes the character under the cursor.
    pub(in crate::tui::model) fn delete(&mut self) {
        let behind = self.behind();
        self.text.replace_range(self.at..behind, "");
    }

    /// Removes the word before the cursor.
    pub(in crate::tui::model) fn erase_word(&mut self) {
        let front = self.text.get(..self.at).unwrap_or_default();
        let kept = front
            .trim_end()
            .rfind(char::is_whitespace)
            .map_or(0, |at| at + 1);
        self.text.replace_range(kept..self.at, "");
        self.at = kept;
    }

    /// Removes everything before the cursor.
    pub(in crate::tui::model) fn erase_line(&mut self) {
        self.text.replace_range(..self.at, "");
        self.at = 0;
    }

    pub(in crate::tui::model) fn left(&mut self) {
        self.at = self.before();
    }

    pub(in crate::tui::model) fn right(&mut self) {
        self.at = self.behind();
    }

    fn before(&self) -> usize {
        let front = self.text.get(..self.at).unwrap_or_default();
        front
            .grapheme_indices(true)
            .next_back()
            .map_or(0, |(at, _)| at)
    }

    fn behind(&self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at + rest.graphemes(true).next().map_or(0, str::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editing_moves_by_whole_characters() {
        let mut prompt = Prompt::new(PromptKind::Search, "");
        prompt.insert("ab\u{301}日\nx");
        assert_eq!(prompt.text, "ab\u{301}日x");
        prompt.left();
        prompt.erase();
        assert_eq!(prompt.text, "ab\u{301}x");
        prompt.erase();
        assert_eq!(prompt.text, "ax");
        prompt.delete();
        prompt.erase();
        prompt.erase();
        assert_eq!((prompt.text.as_str(), prompt.at), ("", 0));
        prompt.insert("one two");
        prompt.erase_word();
        assert_eq!(prompt.text, "one ");
        prompt.erase_line();
        assert_eq!(prompt.text, "");
    }

    #[test]
    fn line_has_a_limit() {
        let mut prompt = Prompt::new(PromptKind::Search, "");
        prompt.insert(&"x".repeat(2 * PROMPT_CHARS_MAX));
        assert_eq!(prompt.text.len(), PROMPT_CHARS_MAX);
    }
}
