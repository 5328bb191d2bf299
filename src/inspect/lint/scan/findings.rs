//! Findings of one batch: counts, and the first examples of each rule.

use crate::inspect::json::TextPosition;
use crate::inspect::lint::Example;
use crate::inspect::lint::LintOptions;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::scan::excerpt::excerpt;

/// Findings of one batch. Row numbers count from its first row.
#[derive(Clone, Debug)]
pub(in crate::inspect::lint) struct Findings {
    pub(in crate::inspect::lint) counts: [u64; RuleId::COUNT],
    pub(in crate::inspect::lint) examples: Vec<(RuleId, Example)>,
    /// Number of examples kept per rule.
    pub(in crate::inspect::lint) kept: usize,
    is_on: [bool; RuleId::COUNT],
    /// Rules already found in the current row, and the start of its examples.
    seen: [bool; RuleId::COUNT],
    row: u64,
    first_of_row: usize,
}

impl Findings {
    pub(in crate::inspect::lint) fn new(options: &LintOptions) -> Self {
        let mut is_on = [false; RuleId::COUNT];
        for (is_on, rule) in is_on.iter_mut().zip(crate::inspect::lint::RULES) {
            *is_on = options.severity(rule.id).is_some();
        }
        Self {
            counts: [0; RuleId::COUNT],
            examples: Vec::new(),
            kept: options.examples,
            is_on,
            seen: [false; RuleId::COUNT],
            row: 0,
            first_of_row: 0,
        }
    }

    /// Starts a new row.
    pub(in crate::inspect::lint) fn begin(&mut self, row: u64) {
        self.row = row;
        self.seen = [false; RuleId::COUNT];
        self.first_of_row = self.examples.len();
    }

    pub(in crate::inspect::lint) fn row(&self) -> u64 {
        self.row
    }

    pub(in crate::inspect::lint) fn is_on(&self, rule: RuleId) -> bool {
        self.is_on.get(rule.index()).is_some_and(|on| *on)
    }

    /// Returns true if a rule is on and has no finding in this row yet.
    pub(in crate::inspect::lint) fn wants(&self, rule: RuleId) -> bool {
        self.is_on(rule) && !self.seen.get(rule.index()).is_some_and(|seen| *seen)
    }

    /// Records a finding at a byte of the row.
    pub(in crate::inspect::lint) fn record(
        &mut self,
        rule: RuleId,
        row: &[u8],
        at: usize,
        message: impl FnOnce() -> String,
    ) {
        self.record_excerpt(rule, row, at, message, || excerpt(row, at));
    }

    /// Records a finding with a given excerpt.
    pub(in crate::inspect::lint) fn record_excerpt(
        &mut self,
        rule: RuleId,
        row: &[u8],
        at: usize,
        message: impl FnOnce() -> String,
        shown: impl FnOnce() -> String,
    ) {
        if !self.wants(rule) {
            return;
        }
        if let Some(seen) = self.seen.get_mut(rule.index()) {
            *seen = true;
        }
        let Some(count) = self.counts.get_mut(rule.index()) else {
            return;
        };
        *count += 1;
        if *count <= self.kept as u64 {
            let example = Example {
                row: self.row,
                at,
                place: TextPosition::of(row, at),
                column: None,
                message: message(),
                excerpt: shown(),
            };
            self.examples.push((rule, example));
        }
    }

    /// Iterates over the examples of the current row.
    pub(in crate::inspect::lint) fn of_row(&mut self) -> impl Iterator<Item = &mut Example> {
        let own = self.examples.get_mut(self.first_of_row..);
        own.unwrap_or_default().iter_mut().map(|(_, e)| e)
    }

    /// Appends the findings of a later batch whose first row has number `first`.
    pub(in crate::inspect::lint) fn append(&mut self, later: Self, first: u64) {
        let before = self.counts;
        for (count, more) in self.counts.iter_mut().zip(later.counts) {
            *count += more;
        }
        let mut room = before.map(|n| (self.kept as u64).saturating_sub(n));
        for (rule, mut example) in later.examples {
            let Some(room) = room.get_mut(rule.index()).filter(|n| **n > 0) else {
                continue;
            };
            *room -= 1;
            example.row += first;
            self.examples.push((rule, example));
        }
    }
}
