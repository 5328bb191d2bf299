//! What is wanted of a lint.

use crate::inspect::lint::RULES;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::Severity;

/// What is wanted of a lint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintOptions {
    /// How bad each rule is, in their order; none for those that are off.
    pub severities: [Option<Severity>; RuleId::COUNT],
    /// How many examples are kept of each rule: the first in the order of rows.
    pub examples: usize,
    /// Columns whose text is looked at, at the top of a row; none for all. What a row is made of
    /// (its syntax, keys and types) is looked at whatever they are.
    pub columns: Vec<String>,
    /// How many threads work, at least one.
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
    /// All that is usual, with these rules alone.
    pub fn only(rules: &[RuleId]) -> Self {
        let mut options = Self::default();
        for rule in RULES.iter().filter(|r| !rules.contains(&r.id)) {
            options.set(rule.id, None);
        }
        options
    }

    /// Makes a rule this bad, or turns it off.
    pub fn set(&mut self, rule: RuleId, severity: Option<Severity>) {
        if let Some(own) = self.severities.get_mut(rule.index()) {
            *own = severity;
        }
    }

    /// How bad a rule is; none where it is off.
    pub fn severity(&self, rule: RuleId) -> Option<Severity> {
        self.severities.get(rule.index()).copied().flatten()
    }

    /// Whether one of these is on.
    pub(super) fn any(&self, rules: &[RuleId]) -> bool {
        rules.iter().any(|rule| self.severity(*rule).is_some())
    }
}
