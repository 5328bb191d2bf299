//! Commands of the record pane.

use crate::tui::job::Job;
use crate::tui::job::RecordForm;
use crate::tui::job::Slot;
use crate::tui::model::State;
use crate::tui::pane::PaneText;
use std::collections::BTreeSet;

use crate::tui::model::parts::record::RecordPane;

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
