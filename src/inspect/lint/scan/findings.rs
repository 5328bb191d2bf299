//! Findings of the rows of one batch: counted, and the first of each rule kept.

use crate::inspect::json::Place;
use crate::inspect::lint::Example;
use crate::inspect::lint::LintOptions;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::scan::excerpt::excerpt;

/// What was found in one batch. Rows are numbered from its first.
#[derive(Clone, Debug)]
pub(in crate::inspect::lint) struct Findings {
    pub(in crate::inspect::lint) counts: [u64; RuleId::COUNT],
    pub(in crate::inspect::lint) examples: Vec<(RuleId, Example)>,
    /// How many examples of a rule are kept.
    pub(in crate::inspect::lint) kept: usize,
    is_on: [bool; RuleId::COUNT],
    /// What the row at hand was already found to have, and where its examples begin.
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

    /// The findings from here on are of this row.
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

    /// Whether this would be the row's first of a rule that is on.
    pub(in crate::inspect::lint) fn wants(&self, rule: RuleId) -> bool {
        self.is_on(rule) && !self.seen.get(rule.index()).is_some_and(|seen| *seen)
    }

    /// Something was found at a byte of the row.
    pub(in crate::inspect::lint) fn tell(
        &mut self,
        rule: RuleId,
        row: &[u8],
        at: usize,
        message: impl FnOnce() -> String,
    ) {
        self.tell_shown(rule, row, at, message, || excerpt(row, at));
    }

    /// The same, with something else shown.
    pub(in crate::inspect::lint) fn tell_shown(
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
                place: Place::of(row, at),
                column: None,
                message: message(),
                excerpt: shown(),
            };
            self.examples.push((rule, example));
        }
    }

    /// The examples of the row at hand.
    pub(in crate::inspect::lint) fn of_row(&mut self) -> impl Iterator<Item = &mut Example> {
        let own = self.examples.get_mut(self.first_of_row..);
        own.unwrap_or_default().iter_mut().map(|(_, e)| e)
    }

    /// Puts those of a later batch behind, whose first row has this number.
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
