//! Options of the linter.

use crate::inspect::lint::RULES;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::Severity;

/// Options of the linter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LintOptions {
    /// Severity per rule, in rule order; `None` turns a rule off.
    pub severities: [Option<Severity>; RuleId::COUNT],
    /// Number of examples per rule: the first in row order.
    pub examples: usize,
    /// Top-level columns whose text is checked; all if empty. Syntax, keys and types are checked in
    /// any case.
    pub columns: Vec<String>,
    /// Number of worker threads, at least one.
    pub threads: usize,
}

impl Default for LintOptions {
    fn default() -> Self {
        let mut severities = [None; RuleId::COUNT];
        for (severity, rule) in severities.iter_mut().zip(RULES) {
            *severity = Some(rule.severity);
        }
        Self {
            severities,
            examples: 5,
            columns: Vec::new(),
            threads: 1,
        }
    }
}

impl LintOptions {
    /// Default options with these rules only.
    pub fn only(rules: &[RuleId]) -> Self {
        let mut options = Self::default();
        for rule in RULES.iter().filter(|r| !rules.contains(&r.id)) {
            options.set(rule.id, None);
        }
        options
    }

    /// Sets the severity of a rule, or turns it off.
    pub fn set(&mut self, rule: RuleId, severity: Option<Severity>) {
        if let Some(own) = self.severities.get_mut(rule.index()) {
            *own = severity;
        }
    }

    /// Returns the severity of a rule; `None` if it is off.
    pub fn severity(&self, rule: RuleId) -> Option<Severity> {
        self.severities.get(rule.index()).copied().flatten()
    }

    /// Returns true if at least one of the rules is on.
    pub(super) fn any(&self, rules: &[RuleId]) -> bool {
        rules.iter().any(|rule| self.severity(*rule).is_some())
    }
}
