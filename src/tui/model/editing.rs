//! Edits: what is changed, and what is shown afterwards.

use crate::tui::commands::Act;
use crate::tui::job::Edit;
use crate::tui::job::Job;
use crate::tui::job::Slot;
use crate::tui::job::TargetFacts;
use crate::tui::model::State;
use crate::tui::model::parts::prompt::PromptKind;

impl State {
    /// Runs a command that changes rows.
    pub(super) fn run_edit(&mut self, act: Act) {
        if self.jobs.is_running(Slot::Edit) {
            return self.say("an edit is being made");
        }
        let Some(row) = self.table.current().and_then(|row| row.number) else {
            return match act {
                Act::Undo | Act::Redo => self.edit(edit_of(act), 0),
                _ => self.say("the number of this row is not known yet"),
            };
        };
        match act {
            Act::ChangeCell => {
                let column = self
                    .table
                    .columns
                    .current()
                    .map(|column| column.name.as_str());
                let cells = self.table.current().map(|row| row.cells.as_slice());
                let cell = cells.unwrap_or_default().iter();
                let cell = cell
                    .clone()
                    .find(|cell| Some(cell.column.as_str()) == column);
                let text = cell.map(|cell| (cell.text.clone(), cell.is_cut));
                match text {
                    Some((_, true)) => {
                        self.say("the value is too long to be typed: `inspect edit` sets it")
                    }
                    Some((text, false)) => self.ask(PromptKind::Cell, &text),
                    None => self.ask(PromptKind::Cell, ""),
                }
            }
            Act::Insert => self.ask(PromptKind::Row, ""),
            Act::FixRule => self.ask(PromptKind::Rule, ""),
            Act::Delete => {
                let numbers: Option<Vec<u64>> = self.marks.values().copied().collect();
                let Some(mut numbers) = numbers else {
                    return self.say("the numbers of marked rows are not known yet");
                };
                if numbers.is_empty() {
                    numbers.push(row);
                }
                numbers.sort_unstable();
                self.edit(Edit::Delete(numbers), row);
            }
            _ => self.edit(edit_of(act), row),
        }
    }

    /// Makes the edit that was typed.
    pub(super) fn finish_edit(&mut self, kind: PromptKind, text: String) {
        let Some(row) = self.table.current().and_then(|row| row.number) else {
            return;
        };
        let edit = match kind {
            PromptKind::Cell => {
                let Some(column) = self.table.columns.current() else {
                    return;
                };
                Edit::Set {
                    row,
                    column: column.name.clone(),
                    value: text,
                }
            }
            PromptKind::Row => Edit::Insert { at: row, text },
            _ => Edit::Fix(text),
        };
        self.edit(edit, row);
    }

    fn edit(&mut self, edit: Edit, row: u64) {
        let rows = self.page_rows();
        self.start(Slot::Edit, Job::Edit { edit, row, rows });
    }

    /// Shows the target as it is after an edit.
    pub(super) fn show_edited(&mut self, mut facts: TargetFacts, row: u64, said: String) {
        for slot in [
            Slot::Page,
            Slot::Number,
            Slot::Count,
            Slot::Find,
            Slot::Search,
        ] {
            self.cancel(slot);
        }
        // Places, findings and duplicates are those of the rows before.
        (self.findings, self.duplicates, self.search) = (None, None, None);
        self.cancel(Slot::Lint);
        self.cancel(Slot::Duplicates);
        self.marks.clear();
        facts.page = crate::tui::document::Page::default();
        self.table.total = facts.rows;
        self.facts = facts;
        self.table.rows.clear();
        (self.table.is_front, self.table.is_end) = (false, false);
        if self.table.total.is_none() && self.facts.is_local {
            self.start(Slot::Count, Job::Count);
        }
        let last = self
            .table
            .total
            .map_or(row, |total| row.min(total.saturating_sub(1)));
        if self.sifting.list().is_some() {
            self.sift();
        } else {
            self.go_to(last);
        }
        self.say(said);
    }
}

fn edit_of(act: Act) -> Edit {
    match act {
        Act::Redo => Edit::Redo,
        _ => Edit::Undo,
    }
}
