//! Lint rules: identity, severity and texts.

use std::fmt;

use crate::inspect::lint::rule_table::RULES;

/// Severity of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Most likely unintended.
    Warning,
    /// Readers fail, or read something else.
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

/// A lint rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Identifier of the rule.
    pub id: RuleId,
    /// Name of the rule, for people and options.
    pub name: &'static str,
    /// Summary of its findings, in a few words.
    pub short: &'static str,
    /// Exact condition of a finding.
    pub full: &'static str,
    /// Advice for fixing a finding.
    pub help: &'static str,
    /// Default severity.
    pub severity: Severity,
}

impl Rule {
    /// Returns the rule with a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.name == name)
    }
}

/// Identifiers of all rules, in the order of [`RULES`].
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
    /// Number of rules.
    pub const COUNT: usize = RULES.len();

    /// Index of the rule in [`RULES`].
    pub const fn index(self) -> usize {
        // The variants have no explicit values, so these are 0, 1, 2 and so on.
        self as usize
    }

    /// Returns the rule with its texts.
    pub fn rule(self) -> Option<&'static Rule> {
        RULES.get(self.index())
    }
}
