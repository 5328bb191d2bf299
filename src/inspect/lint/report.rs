//! Lint report.

use crate::inspect::json::TextPosition;
use crate::inspect::lint::Rule;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::Severity;

/// Result of a lint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintReport {
    /// Number of rows checked.
    pub checked: u64,
    /// Findings of rules with severity error. A row counts once per rule.
    pub errors: u64,
    /// Findings of rules with severity warning.
    pub warnings: u64,
    /// Findings of rules with severity note.
    pub notes: u64,
    /// Every enabled rule, in the order of [`RULES`](crate::inspect::lint::RULES).
    pub rules: Vec<RuleReport>,
}

impl LintReport {
    /// Records a finding about a file as a whole, if the rule is on.
    pub fn note_file(&mut self, rule: RuleId, column: Option<&str>, message: &str) {
        let Some(found) = self.rules.iter_mut().find(|r| r.rule.id == rule) else {
            return;
        };
        found.count += 1;
        if found.examples.len() < FILE_EXAMPLES {
            found.examples.push(Example {
                row: 0,
                at: 0,
                place: TextPosition { line: 1, column: 1 },
                column: column.map(str::to_owned),
                message: message.to_owned(),
                excerpt: String::new(),
            });
        }
        *match found.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
            Severity::Note => &mut self.notes,
        } += 1;
    }

    /// Records a missing value: an empty document is no JSON, unlike a file without lines. Has no
    /// effect if [`RuleId::MalformedJson`] is off.
    pub fn miss_value(&mut self) {
        let of_json = |r: &&mut RuleReport| r.rule.id == RuleId::MalformedJson;
        let Some(found) = self.rules.iter_mut().find(of_json) else {
            return;
        };
        found.count += 1;
        *match found.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
            Severity::Note => &mut self.notes,
        } += 1;
    }
}

/// Number of examples about files as a whole.
const FILE_EXAMPLES: usize = 5;

/// Findings of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleReport {
    /// The rule.
    pub rule: &'static Rule,
    /// Its severity in this run.
    pub severity: Severity,
    /// Number of rows concerned. For a column rule, a row counts once per column.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Row number, from 0.
    pub row: u64,
    /// Offset of the finding in the row, in bytes.
    pub at: usize,
    /// The same position as an editor counts it, within the row.
    pub place: TextPosition,
    /// Top-level column of the finding, if it is in one.
    pub column: Option<String>,
    /// Description of the fault, for people.
    pub message: String,
    /// Text around the fault, with secrets masked; empty if it would not help.
    pub excerpt: String,
}
