//! Applying filters and the sort.

use crate::tui::job::Cursor;
use crate::tui::job::Filter;
use crate::tui::job::Job;
use crate::tui::job::ListedRow;
use crate::tui::job::Order;
use crate::tui::job::Slot;
use crate::tui::model::State;
use crate::tui::model::sift::filters::compile;
use crate::tui::model::sift::filters::exactly;
use crate::tui::model::sift::filters::first_line;

impl State {
    /// Keeps the rows with the value of the cell under the cursor, or those with another one.
    pub(in crate::tui::model) fn filter_like(&mut self, is_inverted: bool) {
        match self.cell_filter(is_inverted) {
            Ok(filter) => self.add_filter(filter),
            Err(error) => self.say(error),
        }
    }

    pub(super) fn cell_filter(&self, is_inverted: bool) -> Result<Filter, String> {
        let none = || "there is no cell here".to_owned();
        let column = self.table.columns.current().ok_or_else(none)?;
        let row = self.table.current().ok_or_else(none)?;
        let cell = row
            .cells
            .iter()
            .find(|cell| cell.column == column.name)
            .ok_or_else(none)?;
        if cell.is_cut {
            return Err("the value is too long: filter by an expression".to_owned());
        }
        exactly(&cell.text, &column.name, is_inverted)
    }

    /// Keeps the rows with a value of a column.
    pub(in crate::tui::model) fn filter_value(&mut self, column: &str, value: &str) {
        match exactly(value, column, false) {
            Ok(filter) => self.add_filter(filter),
            Err(error) => self.complain(first_line(&error)),
        }
    }

    /// Adds a filter as it was typed: `name=expression`, `!expression`.
    pub(in crate::tui::model) fn filter_by(&mut self, text: &str) {
        let (text, is_inverted) = match text.strip_prefix('!') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let named = text.split_once('=').filter(|(name, _)| {
            self.table
                .columns
                .all
                .iter()
                .any(|column| column.name == *name)
        });
        let (column, expression) = match named {
            Some((name, expression)) => (Some(name.to_owned()), expression),
            None => (None, text),
        };
        match compile(expression, column, is_inverted) {
            Ok(filter) => self.add_filter(filter),
            Err(error) => self.complain(first_line(&error)),
        }
    }

    fn add_filter(&mut self, filter: Filter) {
        self.sifting.filters.push(filter);
        self.sift();
    }

    /// Applies filters and sort anew.
    pub(in crate::tui::model) fn sift(&mut self) {
        self.cancel(Slot::Filter);
        self.cancel(Slot::Sort);
        let again = self.search.take().map(|search| search.filter);
        if let Some((column, order)) = self.sifting.sort.clone() {
            let filters = self.sifting.filters.clone();
            self.start(
                Slot::Sort,
                Job::Sort {
                    column,
                    order,
                    filters,
                },
            );
        } else if self.sifting.filters.is_empty() {
            self.sifting.replace(None);
            self.reload_rows();
        } else {
            self.sifting.replace(Some(Vec::new()));
            let table = &mut self.table;
            table.rows.clear();
            (table.first, table.cursor, table.top, table.owed) = (0, 0, 0, 0);
            (table.is_front, table.is_end) = (true, false);
            self.cancel(Slot::Page);
            self.start(Slot::Filter, Job::Scan(self.sifting.filters.clone()));
        }
        if let Some(filter) = again {
            let origin = self.table.current().map(|row| (row.place, row.number));
            self.begin_search(filter, origin);
            if let Some(search) = &mut self.search {
                search.awaits = None;
            }
        }
    }

    /// Sorts by the column of the cursor.
    pub(in crate::tui::model) fn sort_by(&mut self, order: Order) {
        let Some(column) = self.table.columns.current() else {
            return;
        };
        self.sifting.sort = Some((column.name.clone(), order));
        self.sift();
    }

    /// Shows sorted rows.
    pub(in crate::tui::model) fn show_sorted(&mut self, rows: Vec<ListedRow>) {
        self.sifting.replace(Some(rows));
        self.table.rows.clear();
        self.jump(Cursor::First);
    }

    /// Takes everything back that leaves rows out or changes their order.
    pub(in crate::tui::model) fn reset(&mut self) {
        self.cancel(Slot::Search);
        self.search = None;
        self.sifting.filters.clear();
        self.sifting.sort = None;
        self.table.column_filter = None;
        let columns = &mut self.table.columns;
        columns.frozen = 0;
        for column in &mut columns.all {
            (column.is_hidden, column.is_out, column.chosen) = (false, false, None);
        }
        if self.sifting.list().is_some() {
            self.sift();
        }
    }

    /// Leaves out the columns whose names do not match.
    pub(in crate::tui::model) fn filter_columns(&mut self, text: &str) {
        if text.is_empty() {
            self.table.column_filter = None;
            self.table
                .columns
                .all
                .iter_mut()
                .for_each(|column| column.is_out = false);
            return;
        }
        let filter = match compile(text, None, false) {
            Ok(filter) => filter,
            Err(error) => return self.complain(first_line(&error)),
        };
        let is_in = |name: &str| !filter.pattern.spans(name.as_bytes(), 1).is_empty();
        if !self
            .table
            .columns
            .all
            .iter()
            .any(|column| is_in(&column.name))
        {
            return self.say("no column has such a name");
        }
        for column in &mut self.table.columns.all {
            column.is_out = !is_in(&column.name);
        }
        self.table.column_filter = Some((text.to_owned(), filter.pattern));
    }
}
