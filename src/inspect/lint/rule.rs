//! What a rule is.

use std::fmt;

use crate::inspect::lint::rule_table::RULES;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Most likely not what was meant.
    Warning,
    /// Readers will fail or read something else.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that is looked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which one.
    pub id: RuleId,
    /// Its name, for people and options.
    pub name: &'static str,
    /// What it finds, in a few words.
    pub short: &'static str,
    /// When exactly it speaks.
    pub full: &'static str,
    /// What to do about it.
    pub help: &'static str,
    /// How bad it is, where nobody says otherwise.
    pub severity: Severity,
}

impl Rule {
    /// The rule of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.name == name)
    }
}

/// Names every rule, in the order of [`RULES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the table of rules says what each is")]
#[non_exhaustive]
pub enum RuleId {
    MalformedJson,
    BadUtf8,
    CutRow,
    DamagedFile,
    NanNumber,
    DuplicateKey,
    KeyCase,
    DuplicateColumn,
    FileColumns,
    LoneSurrogate,
    ByteOrderMark,
    ControlCharacter,
    NulCharacter,
    LineSeparator,
    MixedLineEnds,
    MissingFinalNewline,
    BlankLine,
    EmptyRow,
    FieldCount,
    StrayQuote,
    MissingKey,
    UnexpectedKey,
    TypeDrift,
    NullWord,
    EmptyField,
    RepeatedField,
    ExtremeLength,
    RepeatedText,
    ReplacementCharacter,
    Mojibake,
    ZeroWidth,
    BidiControl,
    TagCharacter,
    SpecialToken,
    UnbalancedFence,
    UnbalancedThink,
    ThinkingOnly,
    HtmlMarkup,
    AssistantBoilerplate,
    Secret,
    PossibleSecret,
    EmailAddress,
    PhoneNumber,
    ChatShape,
    ChatRoleUnknown,
    ChatRoleOrder,
    ChatNoAnswer,
    ChatEmptyContent,
    PreferencePair,
    ToolArguments,
    ToolCallUnanswered,
    ToolResultUnasked,
}

impl RuleId {
    /// How many there are.
    pub const COUNT: usize = RULES.len();

    /// Its place in [`RULES`].
    pub const fn index(self) -> usize {
        // The variants have no values of their own, so these are 0, 1, 2 and so on.
        self as usize
    }

    /// What is said of it.
    pub fn rule(self) -> Option<&'static Rule> {
        RULES.get(self.index())
    }
}
