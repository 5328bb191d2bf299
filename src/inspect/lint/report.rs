//! What a lint found.

use crate::inspect::json::Place;
use crate::inspect::lint::Rule;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::Severity;

/// What a lint found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintReport {
    /// Rows that were looked at.
    pub checked: u64,
    /// Findings of rules that are errors. A row counts once for a rule.
    pub errors: u64,
    /// The same of warnings.
    pub warnings: u64,
    /// The same of notes.
    pub notes: u64,
    /// Each rule that was on, in the order of [`RULES`](crate::inspect::lint::RULES).
    pub rules: Vec<RuleReport>,
}

impl LintReport {
    /// Takes note of what a file says of itself. Nothing where nobody asks for the rule.
    pub fn note_file(&mut self, rule: RuleId, column: Option<&str>, message: &str) {
        let Some(found) = self.rules.iter_mut().find(|r| r.rule.id == rule) else {
            return;
        };
        found.count += 1;
        if found.examples.len() < FILE_EXAMPLES {
            found.examples.push(Example {
                row: 0,
                at: 0,
                place: Place { line: 1, column: 1 },
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

    /// Takes note that there is no value where there must be one: a document that is empty is no
    /// JSON, unlike a file of no lines. Nothing where nobody asks for [`RuleId::MalformedJson`].
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

/// Examples of what files say of themselves.
const FILE_EXAMPLES: usize = 5;

/// What one rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleReport {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it was to be.
    pub severity: Severity,
    /// How many rows it speaks of. For a rule of columns, a row counts once for each column.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Number of the row, from 0.
    pub row: u64,
    /// Bytes of the row that stand before it.
    pub at: usize,
    /// The same as an editor counts, within the row.
    pub place: Place,
    /// The column at the top of the row that it is in, where there is one.
    pub column: Option<String>,
    /// What is wrong, for people.
    pub message: String,
    /// What stands there, without what must not be shown; empty where that says nothing.
    pub excerpt: String,
}
