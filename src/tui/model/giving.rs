//! Ways out of the program: copies, marked rows, rows in a file.

use crate::tui::command_line::command_line;
use crate::tui::commands::Act;
use crate::tui::document::RowPlace;
use crate::tui::job::Farewell;
use crate::tui::job::Task;
use crate::tui::limits::COPY_BYTES_MAX;
use crate::tui::limits::MARKS_MAX;
use crate::tui::model::State;
use crate::tui::model::parts::prompt::PromptKind;

impl State {
    /// Marks the row under the cursor, or takes marks off.
    pub(super) fn mark(&mut self, act: Act) {
        if act == Act::Unmark {
            return self.marks.clear();
        }
        let Some((place, number)) = self.table.current().map(|row| (row.place, row.number)) else {
            return;
        };
        if self.marks.remove(&place).is_none() {
            if self.marks.len() >= MARKS_MAX {
                return self.say(format!("no more than {MARKS_MAX} rows can be marked"));
            }
            self.marks.insert(place, number);
        }
        self.move_rows(1);
    }

    /// Copies, prints or writes.
    pub(super) fn give(&mut self, act: Act) {
        match act {
            Act::CopyCommand => {
                let line = command_line(self);
                self.say(format!("copied: {line}"));
                self.tasks.push(Task::Copy(line));
            }
            Act::CopyCell => self.copy_cell(),
            Act::Print => {
                let print = self.rows_to_print();
                self.tasks.push(Task::Quit(Farewell { print }));
            }
            _ => self.ask(PromptKind::Export, ""),
        }
    }

    fn rows_to_print(&self) -> Vec<RowPlace> {
        match self.marks.is_empty() {
            true => self
                .table
                .current()
                .map(|row| row.place)
                .into_iter()
                .collect(),
            false => self.marks.keys().copied().collect(),
        }
    }

    /// The marked rows, or those that the filters keep, or the one under the cursor.
    pub(super) fn rows_to_write(&self) -> Vec<RowPlace> {
        match (self.marks.is_empty(), self.sifting.list()) {
            (true, Some(list)) => list.iter().map(|row| row.place).collect(),
            _ => self.rows_to_print(),
        }
    }

    fn copy_cell(&mut self) {
        let text = match &self.record {
            Some(record) => {
                let lines = record.text.lines.iter();
                let text = |line: &crate::tui::pane::Line| {
                    let parts: String = line.parts.iter().map(|part| part.text.as_str()).collect();
                    format!("{}{parts}", " ".repeat(usize::from(line.indent)))
                };
                lines.map(text).collect::<Vec<String>>().join("\n")
            }
            None => {
                let column = self
                    .table
                    .columns
                    .current()
                    .map(|column| column.name.as_str());
                let cells = self
                    .table
                    .current()
                    .map(|row| row.cells.as_slice())
                    .unwrap_or_default();
                let cell = cells
                    .iter()
                    .find(|cell| Some(cell.column.as_str()) == column);
                let Some(cell) = cell else {
                    return self.say("there is no cell here");
                };
                let (text, is_cut) = (cell.text.clone(), cell.is_cut);
                if is_cut {
                    self.say("copied the beginning: the record (Enter) has all of it");
                }
                text
            }
        };
        if self.message.is_none() {
            self.say("copied");
        }
        let mut end = text.len().min(COPY_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if end < text.len() {
            self.say(format!("copied the first {end} bytes"));
        }
        self.tasks
            .push(Task::Copy(text.get(..end).unwrap_or_default().to_owned()));
    }
}
