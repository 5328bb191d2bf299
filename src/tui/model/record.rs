//! The record pane: one row as a tree, a text, tokens, a chat or bytes.

use std::collections::BTreeSet;

use crate::tui::document::RowPlace;
use crate::tui::job::Job;
use crate::tui::job::RecordForm;
use crate::tui::job::Slot;
use crate::tui::model::State;
use crate::tui::pane::PaneText;

/// A row in a pane.
#[derive(Debug)]
pub(in crate::tui) struct RecordPane {
    pub place: RowPlace,
    pub number: Option<u64>,
    pub form: RecordForm,
    /// True if the form was chosen; a chat is shown as one otherwise.
    pub is_chosen: bool,
    pub text: PaneText,
    /// True once the text is there.
    pub is_ready: bool,
    pub folded: BTreeSet<usize>,
    /// First line in view, and the line of the cursor, among those not folded away.
    pub top: usize,
    pub cursor: usize,
    /// Token of the cursor.
    pub token: usize,
    /// Lines not folded away.
    pub visible: Vec<usize>,
}

impl RecordPane {
    /// Takes the laid out record.
    pub(super) fn set_text(&mut self, text: PaneText) {
        let starts = text
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.starts_folded);
        self.folded = starts.map(|(n, _)| n).collect();
        self.text = text;
        self.is_ready = true;
        self.unfold();
    }

    /// Lists the lines that are not folded away.
    fn unfold(&mut self) {
        let (mut visible, mut n) = (Vec::new(), 0);
        while n < self.text.lines.len() {
            visible.push(n);
            let end = self.text.lines.get(n).and_then(|line| line.fold_end);
            n = match end.filter(|_| self.folded.contains(&n)) {
                Some(end) => end + 1,
                None => n + 1,
            };
        }
        self.visible = visible;
        self.cursor = self.cursor.min(self.visible.len().saturating_sub(1));
    }

    /// Folds or unfolds what begins on the line of the cursor, or what the line is in.
    pub(super) fn toggle(&mut self) {
        let Some(line) = self.visible.get(self.cursor).copied() else {
            return;
        };
        let begins = |n: &usize| {
            self.text
                .lines
                .get(*n)
                .is_some_and(|line| line.fold_end.is_some_and(|end| end >= *n))
        };
        let holds = |n: &usize| {
            let end = self.text.lines.get(*n).and_then(|l| l.fold_end);
            end.is_some_and(|end| end >= line)
        };
        let own = begins(&line).then_some(line);
        let Some(at) = own.or_else(|| (0..line).rev().find(holds)) else {
            return;
        };
        if !self.folded.remove(&at) {
            self.folded.insert(at);
        }
        self.unfold();
        self.cursor = self.visible.partition_point(|n| *n < at);
    }

    /// Folds everything below the first level, or unfolds it.
    pub(super) fn toggle_all(&mut self) {
        if self.folded.is_empty() {
            let all = self.text.lines.iter().enumerate().skip(1);
            self.folded = all
                .filter(|(_, line)| line.fold_end.is_some())
                .map(|(n, _)| n)
                .collect();
        } else {
            self.folded.clear();
        }
        self.unfold();
    }

    pub(super) fn scroll(&mut self, by: i64, fits: usize) {
        let last = self.visible.len().saturating_sub(1) as i64;
        let to = (self.cursor as i64).saturating_add(by).clamp(0, last);
        self.cursor = usize::try_from(to).unwrap_or_default();
        self.follow(fits);
    }

    /// Keeps the cursor in view.
    pub(super) fn follow(&mut self, fits: usize) {
        let least = (self.cursor + 1).saturating_sub(fits.max(1));
        self.top = self.top.min(self.cursor).max(least);
    }

    /// Moves the cursor over tokens.
    pub(super) fn step_token(&mut self, by: i64) {
        let last = self.text.tokens.len().saturating_sub(1) as i64;
        let to = (self.token as i64).saturating_add(by).clamp(0, last);
        self.token = usize::try_from(to).unwrap_or_default();
        if let Some(token) = self.text.tokens.get(self.token) {
            self.cursor = self.visible.partition_point(|n| *n < token.line);
        }
    }
}

impl State {
    /// Opens the record under the cursor of the table.
    pub(super) fn open_record(&mut self, form: Option<RecordForm>) {
        let Some(row) = self.table.current() else {
            return;
        };
        let (place, number) = (row.place, row.number);
        self.record = Some(RecordPane {
            place,
            number,
            form: form.unwrap_or(RecordForm::Tree),
            is_chosen: form.is_some(),
            text: PaneText::default(),
            is_ready: false,
            folded: BTreeSet::new(),
            top: 0,
            cursor: 0,
            token: 0,
            visible: Vec::new(),
        });
        self.read_record();
    }

    /// Reads the record of the pane and lays it out for the width of the screen.
    pub(super) fn read_record(&mut self) {
        let width = self.width.saturating_sub(2).max(4);
        let Some(record) = &mut self.record else {
            return;
        };
        record.is_ready = false;
        let (place, form) = (record.place, record.form);
        let column = self
            .table
            .columns
            .current()
            .map(|column| column.name.clone());
        self.start(
            Slot::Record,
            Job::Record {
                place,
                form,
                width,
                column,
            },
        );
    }

    /// Shows the record in another form.
    pub(super) fn set_form(&mut self, form: RecordForm) {
        let Some(record) = &mut self.record else {
            return self.open_record(Some(form));
        };
        record.form = form;
        record.is_chosen = true;
        (record.top, record.cursor, record.token) = (0, 0, 0);
        self.read_record();
    }

    /// The next of text, tokens and tree.
    pub(super) fn next_form(&mut self) {
        let form = match self.record.as_ref().map(|record| record.form) {
            Some(RecordForm::Text) => RecordForm::Tokens,
            Some(RecordForm::Tokens) => RecordForm::Tree,
            _ => RecordForm::Text,
        };
        self.set_form(form);
    }

    /// Shows the record of another row, in the same form.
    pub(super) fn next_record(&mut self, by: i64) {
        self.move_rows(by);
        let (Some(row), Some(record)) = (self.table.current(), &mut self.record) else {
            return;
        };
        if record.place != row.place {
            (record.place, record.number) = (row.place, row.number);
            (record.top, record.cursor, record.token) = (0, 0, 0);
            self.read_record();
        }
    }

    /// Lines of the record pane.
    pub(super) fn record_lines(&self) -> usize {
        usize::from(self.body_height()).max(1)
    }
}
