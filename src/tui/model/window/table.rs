//! The window over the rows: those that are held, the cursor among them, and what is asked for next.

use std::collections::BTreeSet;
use std::collections::VecDeque;

use crate::inspect::search::Pattern;
use crate::tui::document::Page;
use crate::tui::document::Row;
use crate::tui::document::RowPlace;
use crate::tui::job::Cursor;
use crate::tui::job::Put;
use crate::tui::limits::HELD_ROWS_MAX;
use crate::tui::model::window::columns::Columns;

/// Rows that are held, and the cursor.
#[derive(Debug, Default)]
pub(in crate::tui) struct Table {
    pub rows: VecDeque<Row>,
    /// Position in the list of the first held row; 0 without a list.
    pub first: usize,
    pub is_front: bool,
    pub is_end: bool,
    /// First row on the screen, and the row of the cursor, among the held ones.
    pub top: usize,
    pub cursor: usize,
    /// Rows that a move still has to go.
    pub owed: i64,
    pub columns: Columns,
    pub expanded: BTreeSet<String>,
    pub column_filter: Option<(String, Pattern)>,
    pub wraps: bool,
    /// Rows and bytes of all pages so far, for guesses.
    pub seen_rows: u64,
    pub seen_bytes: u64,
    /// Number of all rows, once counted.
    pub total: Option<u64>,
    /// Rows that fit on the screen, as the last drawing had it.
    pub fits: usize,
}

/// Lines of a wrapped cell.
pub(in crate::tui) const WRAP_LINES: u16 = 6;

impl Table {
    pub(in crate::tui) fn current(&self) -> Option<&Row> {
        self.rows.get(self.cursor)
    }

    /// Puts the rows of a page among those that are held.
    pub(in crate::tui::model) fn put(&mut self, mut page: Page, put: Put, first: Option<usize>) {
        // The cells hold what is shown.
        page.rows.iter_mut().for_each(|row| row.text = Vec::new());
        self.seen_rows += page.rows.len() as u64;
        self.seen_bytes += page
            .rows
            .iter()
            .filter_map(|row| row.bytes)
            .map(|n| n + 1)
            .sum::<u64>();
        let filter = self.column_filter.as_ref().map(|(_, pattern)| pattern);
        self.columns.learn(&page.rows, filter);
        let count = page.rows.len();
        match put {
            Put::Replace(cursor) => {
                self.rows = page.rows.into();
                (self.is_front, self.is_end) = (page.is_front, page.is_end);
                self.first = first.unwrap_or_default();
                let last = self.rows.len().saturating_sub(1);
                self.cursor = match cursor {
                    Cursor::First => 0,
                    Cursor::Last => last,
                    Cursor::At(place) => self
                        .rows
                        .iter()
                        .position(|row| row.place == place)
                        .unwrap_or_default(),
                };
                self.top = match cursor {
                    Cursor::At(_) => self.cursor.saturating_sub(self.fits / 3),
                    _ => 0,
                };
            }
            Put::Append => {
                self.rows.extend(page.rows);
                self.is_end = page.is_end;
            }
            Put::Prepend => {
                for row in page.rows.into_iter().rev() {
                    self.rows.push_front(row);
                }
                self.is_front = page.is_front;
                self.first = first.unwrap_or_default();
                (self.top, self.cursor) = (self.top + count, self.cursor + count);
            }
        }
        self.trim();
        self.number_neighbours();
    }

    /// Lets rows far from the cursor go.
    fn trim(&mut self) {
        while self.rows.len() > HELD_ROWS_MAX {
            let behind = self.rows.len() - self.cursor;
            if behind > self.cursor {
                self.rows.pop_back();
                self.is_end = false;
            } else {
                self.rows.pop_front();
                self.is_front = false;
                self.first += 1;
                self.top = self.top.saturating_sub(1);
                self.cursor = self.cursor.saturating_sub(1);
            }
        }
    }

    /// Numbers rows beside one whose number is known. Lists bring their own numbers.
    pub(in crate::tui::model) fn number_neighbours(&mut self) {
        let known = self
            .rows
            .iter()
            .enumerate()
            .find_map(|(n, row)| Some((n as u64, row.number?)));
        let Some((at, number)) = known else { return };
        if self.rows.iter().all(|row| row.number.is_some()) {
            return;
        }
        for (n, row) in (0..).zip(&mut self.rows) {
            row.number = Some((number + n).saturating_sub(at));
        }
    }

    /// Numbers the rows, of which one has this number.
    pub(in crate::tui::model) fn set_number(&mut self, place: RowPlace, number: u64) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.place == place) {
            row.number = Some(number);
            self.number_neighbours();
        }
    }

    /// Mean bytes of a row so far.
    pub(super) fn bytes_per_row(&self) -> Option<f64> {
        (self.seen_rows > 0).then(|| self.seen_bytes as f64 / self.seen_rows as f64)
    }
}
