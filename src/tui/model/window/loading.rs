//! Pages that are asked for, as the cursor moves.

use crate::tui::document::PageStart;
use crate::tui::document::RowPlace;
use crate::tui::job::Cursor;
use crate::tui::job::Job;
use crate::tui::job::Put;
use crate::tui::job::Slot;
use crate::tui::limits::PAGE_ROWS_MAX;
use crate::tui::model::State;

impl State {
    /// Rows that one page has.
    pub(in crate::tui::model) fn page_rows(&self) -> usize {
        (usize::from(self.height) * 3).clamp(24, PAGE_ROWS_MAX)
    }

    /// Asks for further rows if the cursor comes near to an edge.
    pub(in crate::tui::model) fn load_more(&mut self) {
        if self.jobs.is_running(Slot::Page) || !self.is_open {
            return;
        }
        let margin = usize::from(self.height).max(8);
        let table = &self.table;
        let is_low = table.rows.len() - table.cursor.min(table.rows.len()) < 2 * margin;
        if !table.is_end && is_low {
            return self.load_behind();
        }
        if !table.is_front && table.cursor < margin {
            return self.load_before();
        }
        let numberless = table.current().filter(|row| row.number.is_none());
        let is_known = self.table.total.is_some() || !self.facts.is_local;
        if let Some(row) = numberless.filter(|_| is_known)
            && !self.jobs.is_running(Slot::Number)
            && self.facts.is_local
        {
            let place = row.place;
            self.start(Slot::Number, Job::Number(place));
        }
    }

    fn load_behind(&mut self) {
        let (count, expanded) = (self.page_rows(), self.table.expanded.clone());
        if let Some(list) = self.sifting.list() {
            let first = self.table.first + self.table.rows.len();
            let rows: Vec<_> = list.iter().skip(first).take(count).copied().collect();
            if rows.is_empty() {
                self.table.is_end = !self.jobs.is_running(Slot::Filter);
                return;
            }
            let put = match self.table.rows.is_empty() {
                true => Put::Replace(Cursor::First),
                false => Put::Append,
            };
            let job = Job::Listed {
                rows,
                first,
                expanded,
                put,
            };
            return self.start(Slot::Page, job);
        }
        let job = match self.table.rows.back() {
            Some(last) => {
                let place = RowPlace {
                    key: last.next,
                    ..last.place
                };
                let number = last.number.map(|n| n + 1);
                let start = PageStart::After(place, number);
                Job::Page {
                    start,
                    count,
                    expanded,
                    put: Put::Append,
                }
            }
            None => {
                let put = Put::Replace(Cursor::First);
                Job::Page {
                    start: PageStart::Front,
                    count,
                    expanded,
                    put,
                }
            }
        };
        self.start(Slot::Page, job);
    }

    fn load_before(&mut self) {
        let (count, expanded) = (self.page_rows(), self.table.expanded.clone());
        if let Some(list) = self.sifting.list() {
            let first = self.table.first.saturating_sub(count);
            let rows = list
                .get(first..self.table.first)
                .unwrap_or_default()
                .to_vec();
            if rows.is_empty() {
                self.table.is_front = true;
                return;
            }
            let job = Job::Listed {
                rows,
                first,
                expanded,
                put: Put::Prepend,
            };
            return self.start(Slot::Page, job);
        }
        if let Some(row) = self.table.rows.front() {
            let start = PageStart::Before(row.place, row.number);
            self.start(
                Slot::Page,
                Job::Page {
                    start,
                    count,
                    expanded,
                    put: Put::Prepend,
                },
            );
        }
    }

    /// Shows the first rows, or the last ones.
    pub(in crate::tui::model) fn jump(&mut self, cursor: Cursor) {
        self.table.owed = 0;
        let is_held = match cursor {
            Cursor::First => self.table.is_front,
            Cursor::Last => self.table.is_end && !self.jobs.is_running(Slot::Filter),
            Cursor::At(_) => false,
        };
        if is_held && !self.table.rows.is_empty() {
            self.table.cursor = match cursor {
                Cursor::Last => self.table.rows.len() - 1,
                _ => 0,
            };
            return;
        }
        let (count, expanded) = (self.page_rows(), self.table.expanded.clone());
        let put = Put::Replace(cursor);
        if let Some(list) = self.sifting.list() {
            let first = match cursor {
                Cursor::Last => list.len().saturating_sub(count),
                _ => 0,
            };
            let rows: Vec<_> = list.iter().skip(first).take(count).copied().collect();
            return self.start(
                Slot::Page,
                Job::Listed {
                    rows,
                    first,
                    expanded,
                    put,
                },
            );
        }
        let start = match cursor {
            Cursor::Last => PageStart::End,
            _ => PageStart::Front,
        };
        self.start(
            Slot::Page,
            Job::Page {
                start,
                count,
                expanded,
                put,
            },
        );
    }

    /// Brings a row under the cursor.
    pub(in crate::tui::model) fn show(&mut self, place: RowPlace, number: Option<u64>) {
        self.table.owed = 0;
        if let Some(at) = self.table.rows.iter().position(|row| row.place == place) {
            self.table.cursor = at;
            return;
        }
        let (count, expanded) = (self.page_rows(), self.table.expanded.clone());
        if let Some(list) = self.sifting.list() {
            let Some(at) = list.iter().position(|row| row.place == place) else {
                return self.say("that row is left out by the filters");
            };
            let first = at.saturating_sub(count / 2);
            let rows: Vec<_> = list.iter().skip(first).take(count).copied().collect();
            let put = Put::Replace(Cursor::At(place));
            return self.start(
                Slot::Page,
                Job::Listed {
                    rows,
                    first,
                    expanded,
                    put,
                },
            );
        }
        let before = count / 3;
        self.start(
            Slot::Page,
            Job::Around {
                place,
                number,
                before,
                count,
                expanded,
            },
        );
    }

    /// Reads the rows in view anew, with the same row under the cursor.
    pub(in crate::tui::model) fn reload_rows(&mut self) {
        let Some(row) = self.table.current() else {
            return self.jump(Cursor::First);
        };
        let (place, number) = (row.place, row.number);
        self.table.rows.clear();
        self.table.first = 0;
        self.show(place, number);
    }

    /// Guesses the number of a row from its place among the bytes.
    pub(in crate::tui) fn guess(&self, place: RowPlace) -> Option<u64> {
        let per_row = self.table.bytes_per_row()?;
        Some((self.offset_of(place)? as f64 / per_row.max(1.0)) as u64)
    }

    /// Offset of a row among the bytes of all files, if rows have offsets.
    fn offset_of(&self, place: RowPlace) -> Option<u64> {
        let file = place.file as usize;
        let before: u64 = self.facts.sizes.iter().take(file).sum();
        (!self.facts.is_numbered).then_some(before + place.key)
    }

    /// Place of a row in the whole, from 0 to 1.
    pub(in crate::tui) fn share(&self, place: RowPlace, number: Option<u64>) -> Option<f64> {
        let all: u64 = self.facts.sizes.iter().sum();
        match (self.table.total, number, self.offset_of(place)) {
            (Some(total), Some(number), _) => Some(number as f64 / total.max(1) as f64),
            (_, _, Some(offset)) => Some(offset as f64 / all.max(1) as f64),
            _ => None,
        }
    }
}
