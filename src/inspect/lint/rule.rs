//! Lint rules: identity, severity and texts.

use std::fmt;

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

/// Identifiers of all rules, in the order of [`RULES`](crate::inspect::lint::RULES).
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
