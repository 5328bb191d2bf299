//! The mends, by name.

use crate::inspect::lint::RuleId;

/// A mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Findings of a rule are repaired.
    Rule(RuleId),
    /// Spaces and tabs at the end of texts are removed.
    TrailingBlanks,
}

/// Names of all mends.
pub const MENDS: [(&str, Mend); 10] = [
    ("malformed-json", Mend::Rule(RuleId::MalformedJson)),
    ("byte-order-mark", Mend::Rule(RuleId::ByteOrderMark)),
    ("nul-character", Mend::Rule(RuleId::NulCharacter)),
    ("mixed-line-ends", Mend::Rule(RuleId::MixedLineEnds)),
    (
        "missing-final-newline",
        Mend::Rule(RuleId::MissingFinalNewline),
    ),
    ("blank-line", Mend::Rule(RuleId::BlankLine)),
    ("zero-width", Mend::Rule(RuleId::ZeroWidth)),
    ("bidi-control", Mend::Rule(RuleId::BidiControl)),
    ("tag-character", Mend::Rule(RuleId::TagCharacter)),
    ("unbalanced-think", Mend::Rule(RuleId::UnbalancedThink)),
];

/// Name of the mend that belongs to no rule.
pub const TRAILING_BLANKS: &str = "trailing-blanks";

/// Result of a mend of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mended {
    /// There is nothing to mend.
    Sound,
    /// A fault has no certain mend, or not all faults have one.
    Left,
    /// The new text, and true if a fault is left in it.
    New(Vec<u8>, bool),
}

impl Mend {
    /// Returns the mend with a name.
    pub fn named(name: &str) -> Option<Self> {
        if name == TRAILING_BLANKS {
            return Some(Self::TrailingBlanks);
        }
        let found = MENDS.iter().find(|(known, _)| *known == name);
        found.map(|(_, mend)| *mend)
    }

    /// Returns the names of all mends.
    pub fn names() -> Vec<&'static str> {
        let rules = MENDS.iter().map(|(name, _)| *name);
        rules.chain([TRAILING_BLANKS]).collect()
    }

    /// Returns true if the mend changes line ends or lines instead of texts.
    pub fn is_of_lines(self) -> bool {
        matches!(
            self,
            Self::Rule(RuleId::BlankLine | RuleId::MissingFinalNewline | RuleId::MixedLineEnds)
        )
    }
}
