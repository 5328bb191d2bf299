//! Lines of a pane: text in parts with roles, which the drawing gives styles.

/// A line of a pane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Columns before the text.
    pub indent: u16,
    pub parts: Vec<Part>,
    /// The last line of what can be folded away under this one.
    pub fold_end: Option<usize>,
    /// True if the fold is closed at first.
    pub starts_folded: bool,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub tone: Tone,
    pub text: String,
}

/// Role of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Key,
    Text,
    Number,
    Constant,
    /// Punctuation and notes.
    Quiet,
    /// A heading.
    Title,
    Error,
    Warning,
    Bar,
    System,
    User,
    Assistant,
    Tool,
    /// The token with this number.
    Token(u32),
}

impl Line {
    pub(super) fn new(indent: u16) -> Self {
        Self {
            indent,
            ..Self::default()
        }
    }

    /// A line of one part.
    pub(super) fn of(tone: Tone, text: impl Into<String>) -> Self {
        Self::new(0).with(tone, text)
    }

    /// Adds a part.
    #[must_use]
    pub(super) fn with(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.push(tone, text);
        self
    }

    pub(super) fn push(&mut self, tone: Tone, text: impl Into<String>) {
        self.parts.push(Part {
            tone,
            text: text.into(),
        });
    }
}

/// A token of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub id: u32,
    /// Its bytes, in hexadecimal.
    pub bytes: String,
    /// Line of the pane that it begins in.
    pub line: usize,
}

/// Content of a record pane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PaneText {
    pub lines: Vec<Line>,
    pub tokens: Vec<Token>,
    /// True if the row has messages, which the chat view shows.
    pub is_chat: bool,
}
