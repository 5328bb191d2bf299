//! Answers of workers. Those of earlier generations are dropped.

use crate::tui::job::Answer;
use crate::tui::job::AnswerBody;
use crate::tui::job::Cursor;
use crate::tui::job::Finding;
use crate::tui::job::Job;
use crate::tui::job::ListedRow;
use crate::tui::job::Put;
use crate::tui::job::RecordForm;
use crate::tui::job::Slot;
use crate::tui::job::TargetFacts;
use crate::tui::limits::MATCHES_MAX;
use crate::tui::limits::SORT_ROWS_MAX;
use crate::tui::model::State;
use crate::tui::model::parts::panes::Pane;
use crate::tui::model::window::columns::Columns;
use crate::tui::text::count_of;
use crate::tui::text::grouped;

impl State {
    /// Takes an answer.
    pub(super) fn take_answer(&mut self, answer: Answer) {
        let Answer {
            slot,
            generation,
            body,
        } = answer;
        if !self.jobs.is_current(slot, generation) {
            return;
        }
        let is_last = !matches!(body, AnswerBody::Progress { .. } | AnswerBody::Hits { .. });
        if is_last {
            self.jobs.end(slot);
        }
        match body {
            AnswerBody::Progress { done, total } => self.jobs.set_progress(slot, done, total),
            AnswerBody::Opened(facts) => self.opened(*facts),
            AnswerBody::Page { page, put, first } => {
                self.table.put(page, put, first);
                let owed = std::mem::take(&mut self.table.owed);
                if owed != 0 {
                    self.move_rows(owed);
                }
            }
            AnswerBody::Number { place, number } => self.table.set_number(place, number),
            AnswerBody::Found(Some((place, number))) => self.show(place, Some(number)),
            AnswerBody::Found(None) => self.say("there is no such row: `G` goes to the last one"),
            AnswerBody::Record(text) => {
                let is_chat = text.is_chat;
                let Some(record) = &mut self.record else {
                    return;
                };
                record.set_text(*text);
                if is_chat && !record.is_chosen && record.form == RecordForm::Tree {
                    record.form = RecordForm::Chat;
                    self.read_record();
                }
            }
            AnswerBody::Counted(rows) => self.counted(rows),
            AnswerBody::Hits { rows, count } => self.take_hits(slot, &rows, count),
            AnswerBody::Scanned => self.scanned(slot),
            AnswerBody::Sorted(rows) => self.show_sorted(rows),
            AnswerBody::TooManyRows => {
                self.sifting.sort = None;
                let most = grouped(SORT_ROWS_MAX as u64);
                self.complain(format!(
                    "more than {most} rows do not fit the memory for sorting: filter first"
                ));
            }
            AnswerBody::Stats(facts) => {
                if let Some(Pane::Stats { facts: shown, .. }) = &mut self.pane {
                    *shown = Some(*facts);
                }
            }
            AnswerBody::Findings(findings) => self.found_faults(findings),
            AnswerBody::Duplicates(facts) => {
                let (equal, near) = (count_of(facts.exact, "equal row"), grouped(facts.near));
                self.say(match facts.pairs.is_empty() {
                    true => "no duplicates".to_owned(),
                    false => format!("{equal}, {near} similar: `d` goes to the next"),
                });
                self.duplicates = Some(*facts);
                self.shows_duplicates = true;
            }
            AnswerBody::Exported { rows, path } => {
                self.say(format!("{} rows are in {path}", grouped(rows)));
            }
            AnswerBody::Edited { facts, row, said } => self.show_edited(*facts, row, said),
            AnswerBody::Browse(answer) => self.take_browse_answer(answer),
            AnswerBody::Failed(error) => self.failed(slot, error),
        }
    }

    fn opened(&mut self, mut facts: TargetFacts) {
        let page = std::mem::take(&mut facts.page);
        if let Some(warning) = facts.warning.take() {
            self.complain(warning);
        }
        self.table.columns = Columns::named(&facts.columns);
        self.table.total = facts.rows;
        self.facts = facts;
        self.is_open = true;
        self.table.put(page, Put::Replace(Cursor::First), None);
        // A pass over remote data would fetch all of it.
        if self.table.total.is_none() && self.facts.is_local {
            self.start(Slot::Count, Job::Count);
        }
    }

    fn counted(&mut self, rows: u64) {
        self.table.total = Some(rows);
        self.facts.rows = Some(rows);
    }

    fn take_hits(&mut self, slot: Slot, rows: &[ListedRow], count: u64) {
        if slot == Slot::Filter {
            let was_empty = self.table.rows.is_empty();
            self.sifting.extend(rows, count);
            self.table.is_end = false;
            if was_empty {
                self.table.first = 0;
            }
            return;
        }
        let Some(search) = &mut self.search else {
            return;
        };
        let left = MATCHES_MAX
            .saturating_sub(search.hits.len())
            .min(rows.len());
        search
            .hits
            .extend_from_slice(rows.get(..left).unwrap_or_default());
        search.count = count;
        self.go_on_searching();
    }

    /// Goes to the match that was waited for, if it is there now.
    fn go_on_searching(&mut self) {
        if let Some(direction) = self.search.as_ref().and_then(|search| search.awaits) {
            self.next_hit(direction);
        }
    }

    fn scanned(&mut self, slot: Slot) {
        if slot == Slot::Filter {
            self.table.is_end = false;
            if self.sifting.count == 0 {
                self.table.is_end = true;
                self.say("no row passes: Esc takes the last filter back");
            }
            return;
        }
        let Some(search) = &mut self.search else {
            return;
        };
        search.is_done = true;
        if search.count == 0 {
            search.awaits = None;
            if !self.is_typing_search() {
                self.say("no match");
            }
            return;
        }
        self.go_on_searching();
    }

    fn found_faults(&mut self, findings: Vec<Finding>) {
        self.findings = Some(findings);
        if let Some(direction) = self.awaits_finding.take() {
            self.next_finding(direction);
        }
    }

    fn failed(&mut self, slot: Slot, error: String) {
        match slot {
            Slot::Sort => self.sifting.sort = None,
            Slot::Open => self.facts.format = "not readable".to_owned(),
            Slot::Page => {
                // Without this, the same page would be asked for again and again.
                (self.table.is_end, self.table.is_front) = (true, true);
            }
            Slot::Browse => {
                if let Some(browser) = &mut self.browser {
                    browser.is_ready = true;
                }
            }
            Slot::Detail => {
                if let Some(browser) = &mut self.browser {
                    // Without this, the same description would be asked for again and again.
                    browser.detail = browser.asked.take().map(|of| (of, Vec::new()));
                }
            }
            Slot::Stats => self.pane = None,
            _ => {}
        }
        self.complain(error);
    }
}
