//! Wishes that do not come from the person at the terminal: to go to a row, to show a search.

use crate::tui::event::Shown;
use crate::tui::event::Wish;
use crate::tui::job::Slot;
use crate::tui::model::State;
use crate::tui::model::sift::filters::compile;
use crate::tui::model::sift::filters::first_line;
use crate::tui::text::grouped;

impl State {
    /// Returns the reason why a wish cannot be fulfilled now, if there is one.
    pub(in crate::tui) fn refusal(&self, wish: &Wish) -> Option<String> {
        let row = match wish {
            Wish::Look => return None,
            _ if !self.is_open => return Some("no target is open in the viewer".to_owned()),
            // Keys that are typed must not land elsewhere.
            _ if self.prompt.is_some() => {
                return Some("the person at the viewer is typing".to_owned());
            }
            Wish::Search(text) if text.is_empty() => return None,
            Wish::Search(text) => {
                return compile(text, None, false).err().map(|e| first_line(&e));
            }
            Wish::Row(row) => *row,
        };
        if let Some(list) = self.sifting.list() {
            let is_listed = list.iter().any(|listed| listed.number == row);
            return (!is_listed).then(|| format!("the filters of the viewer hide row {row}"));
        }
        let total = self.table.total.filter(|total| row >= *total)?;
        Some(format!("there is no row {row}: there are {total} rows"))
    }

    /// Fulfils a wish that is not refused.
    pub(super) fn fulfil(&mut self, wish: Wish) {
        match wish {
            Wish::Look => {}
            Wish::Row(row) => {
                self.clear_view();
                let listed = self.sifting.list().map(|list| {
                    let found = list.iter().find(|listed| listed.number == row);
                    found.map(|listed| (listed.place, listed.number))
                });
                match listed {
                    Some(Some((place, number))) => self.show(place, Some(number)),
                    Some(None) => {}
                    None => self.go_to(row),
                }
                self.say(format!("an assistant went to row {}", grouped(row)));
            }
            Wish::Search(text) => {
                self.clear_view();
                self.search = None;
                self.search_for(&text);
                if let Some(search) = &mut self.search {
                    search.origin = None;
                    self.say(format!("an assistant searches for {text}"));
                }
            }
        }
    }

    /// Brings the table to the front.
    fn clear_view(&mut self) {
        self.pane = None;
        self.cancel(Slot::Stats);
        if self.record.take().is_some() {
            self.cancel(Slot::Record);
        }
        self.is_browsing = false;
        self.count = None;
    }

    /// Returns what is shown.
    pub(in crate::tui) fn shown(&self) -> Shown {
        let search = self.search.as_ref();
        let goes = [Slot::Open, Slot::Page, Slot::Number, Slot::Find, Slot::Edit];
        let is_going = goes.iter().any(|slot| self.jobs.is_running(*slot));
        let awaits = search.is_some_and(|search| search.awaits.is_some() && !search.is_done);
        Shown {
            target: self.is_open.then(|| self.facts.name.clone()),
            row: self.table.current().and_then(|row| row.number),
            rows: self.table.total,
            query: search.map(|search| search.filter.text.clone()),
            matches: search.map(|search| search.count),
            is_searched: search.is_some_and(|search| search.is_done),
            is_busy: is_going || awaits,
        }
    }
}
