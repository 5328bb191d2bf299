//! The cursor: rows up and down, pages, ends, and rows by number.

use crate::tui::job::Cursor;
use crate::tui::job::Job;
use crate::tui::job::Slot;
use crate::tui::model::State;

impl State {
    /// Moves the cursor by rows. It owes the rows that are not held yet, and moves them later.
    pub(in crate::tui::model) fn move_rows(&mut self, by: i64) {
        let table = &mut self.table;
        let wanted = (table.cursor as i64)
            .saturating_add(by)
            .saturating_add(table.owed);
        let last = table.rows.len().saturating_sub(1) as i64;
        let reached = wanted.clamp(0, last);
        table.cursor = usize::try_from(reached).unwrap_or_default();
        table.owed = wanted - reached;
        let is_stuck = (table.owed > 0 && table.is_end) || (table.owed < 0 && table.is_front);
        if is_stuck || table.rows.is_empty() {
            table.owed = 0;
        }
    }

    /// Moves by screens: `halves` of them.
    pub(in crate::tui::model) fn move_screens(&mut self, halves: i64) {
        let fits = self.table.fits.max(1) as i64;
        let by = (fits * halves / 2).abs().max(1) * halves.signum();
        // The window goes along, so that the cursor keeps its line.
        let top = (self.table.top as i64).saturating_add(by).max(0);
        self.move_rows(by);
        let last = self.table.rows.len().saturating_sub(1);
        self.table.top = usize::try_from(top).unwrap_or_default().min(last);
    }

    /// Goes to a row by its number; in a list, by its position there.
    pub(in crate::tui::model) fn go_to(&mut self, row: u64) {
        if let Some(list) = self.sifting.list() {
            let at = usize::try_from(row)
                .unwrap_or(usize::MAX)
                .min(list.len().saturating_sub(1));
            if let Some(found) = list.get(at).copied() {
                self.show(found.place, Some(found.number));
            }
            return;
        }
        let held = self
            .table
            .rows
            .iter()
            .position(|held| held.number == Some(row));
        match held {
            Some(at) => {
                self.table.cursor = at;
                self.table.owed = 0;
            }
            None if row == 0 => self.jump(Cursor::First),
            None => self.start(Slot::Find, Job::Find(row)),
        }
    }

    /// Keeps the cursor inside of the window. Called after every change, with the lines of the body.
    pub(in crate::tui::model) fn follow_cursor(&mut self) {
        let lines = usize::from(self.table_lines()).max(1);
        let table = &mut self.table;
        let last = table.rows.len().saturating_sub(1);
        table.cursor = table.cursor.min(last);
        table.top = table.top.min(table.cursor);
        let fits = match table.wraps {
            true => lines
                .div_ceil(usize::from(crate::tui::model::window::table::WRAP_LINES))
                .max(1),
            false => lines,
        };
        if table.cursor >= table.top + fits {
            table.top = table.cursor + 1 - fits;
        }
        // The last rows fill the screen, if there are enough.
        if table.is_end {
            let least = table.rows.len().saturating_sub(fits);
            table.top = table.top.min(least);
        }
        table.fits = fits;
        let room = self.columns_room();
        self.table.columns.follow(room);
    }

    /// Lines of rows in the table's body, below the names of columns.
    pub(in crate::tui) fn table_lines(&self) -> u16 {
        let body = self.body_height();
        match body {
            0..=2 => body,
            _ => body - 1,
        }
    }

    /// Screen columns for cells, beside the numbers of rows and the minimap.
    pub(in crate::tui) fn columns_room(&self) -> u16 {
        let beside = self.gutter_width() + self.minimap_width();
        self.width.saturating_sub(beside)
    }

    /// Screen columns of row numbers and marks.
    pub(in crate::tui) fn gutter_width(&self) -> u16 {
        if self.width < 16 {
            return 0;
        }
        let rows = self.table.rows.iter();
        let guessed = rows
            .clone()
            .next_back()
            .and_then(|row| self.guess(row.place));
        let largest = rows.filter_map(|row| row.number).max();
        let largest = largest.or(guessed).unwrap_or_default();
        let digits = u16::try_from(largest.to_string().len()).unwrap_or(20);
        let is_guess = self.table.rows.iter().any(|row| row.number.is_none());
        (digits + u16::from(is_guess)).max(3) + 3
    }

    /// Screen columns of the minimap.
    pub(in crate::tui) fn minimap_width(&self) -> u16 {
        2 * u16::from(self.width >= 24)
    }
}
