//! Findings of lint, and duplicates.

use crate::tui::job::Job;
use crate::tui::job::Slot;
use crate::tui::model::State;

impl State {
    /// Goes to the next finding, or the one before. Looks for findings first if nobody did.
    pub(in crate::tui::model) fn next_finding(&mut self, direction: i32) {
        let Some(findings) = &self.findings else {
            self.awaits_finding = Some(direction);
            if !self.jobs.is_running(Slot::Lint) {
                self.start(Slot::Lint, Job::Lint);
            }
            return;
        };
        if findings.is_empty() {
            return self.say("no faults");
        }
        let here = self.current_number().unwrap_or_default();
        let found = match direction {
            1.. => {
                let at = findings.partition_point(|finding| finding.row <= here);
                findings.get(at).or(findings.first())
            }
            _ => {
                let at = findings.partition_point(|finding| finding.row < here);
                at.checked_sub(1)
                    .and_then(|at| findings.get(at))
                    .or(findings.last())
            }
        };
        if let Some(finding) = found.cloned() {
            self.go_to_number(finding.row);
            self.say(format!("{}: {}", finding.rule, finding.message));
        }
    }

    /// Goes to the next row of a cluster of duplicates, or to the next duplicate.
    pub(in crate::tui::model) fn next_duplicate(&mut self) {
        let Some(facts) = &self.duplicates else {
            return self.find_duplicates();
        };
        if facts.pairs.is_empty() {
            return self.say("no duplicates");
        }
        let here = self.current_number().unwrap_or_default();
        let pairs = &facts.pairs;
        let at = pairs.partition_point(|pair| pair.0 < here);
        let own = pairs
            .get(at)
            .filter(|pair| pair.0 == here)
            .map(|pair| pair.1);
        let kept = own.unwrap_or(here);
        let later = pairs
            .get(pairs.partition_point(|pair| pair.0 <= here)..)
            .unwrap_or_default();
        let in_cluster = later.iter().find(|pair| pair.1 == kept).map(|pair| pair.0);
        // Behind the last row of a cluster comes its first, the one that is kept.
        let next = in_cluster
            .or(own)
            .or_else(|| later.first().map(|pair| pair.0));
        if let Some(row) = next.or_else(|| pairs.first().map(|pair| pair.0)) {
            self.go_to_number(row);
        }
    }

    /// Lights duplicates up, or turns the lights off.
    pub(in crate::tui::model) fn find_duplicates(&mut self) {
        match (&self.duplicates, self.jobs.is_running(Slot::Duplicates)) {
            (Some(_), _) => self.shows_duplicates = !self.shows_duplicates,
            (None, true) => {}
            (None, false) => self.start(Slot::Duplicates, Job::Duplicates),
        }
    }

    /// Number of the row under the cursor, as far as it is known.
    pub(in crate::tui::model) fn current_number(&self) -> Option<u64> {
        let row = self.table.current()?;
        row.number.or_else(|| self.guess(row.place))
    }

    /// Goes to a row by its number among all rows.
    pub(in crate::tui::model) fn go_to_number(&mut self, number: u64) {
        match self.sifting.list() {
            None => self.go_to(number),
            Some(list) => match list.iter().find(|row| row.number == number).copied() {
                Some(row) => self.show(row.place, Some(row.number)),
                None => self.say("that row is left out by the filters"),
            },
        }
    }
}
