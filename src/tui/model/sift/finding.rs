//! Searches: their beginning, and going from match to match.

use crate::tui::document::RowPlace;
use crate::tui::job::Filter;
use crate::tui::job::Job;
use crate::tui::job::ListedRow;
use crate::tui::job::Slot;
use crate::tui::model::State;
use crate::tui::model::parts::prompt::PromptKind;
use crate::tui::model::sift::filters::compile;
use crate::tui::model::sift::filters::first_line;
use crate::tui::model::sift::search::Search;

impl State {
    /// Starts a search for an expression. An empty one ends the search.
    pub(in crate::tui::model) fn search_for(&mut self, text: &str) {
        let origin = match self.search.take().and_then(|search| search.origin) {
            Some(origin) => Some(origin),
            None => self.table.current().map(|row| (row.place, row.number)),
        };
        self.cancel(Slot::Search);
        if text.is_empty() {
            return;
        }
        match compile(text, None, false) {
            Ok(filter) => self.begin_search(filter, origin),
            Err(error) => self.complain(first_line(&error)),
        }
    }

    pub(super) fn begin_search(&mut self, filter: Filter, origin: Option<(RowPlace, Option<u64>)>) {
        self.message = None;
        let mut filters = self.sifting.filters.clone();
        filters.push(filter.clone());
        self.search = Some(Search {
            filter,
            hits: Vec::new(),
            count: 0,
            is_done: false,
            awaits: Some(0),
            origin,
        });
        self.start(Slot::Search, Job::Scan(filters));
    }

    /// Ends a search that was only begun, and goes back to where it began.
    pub(in crate::tui::model) fn abandon_search(&mut self) {
        self.cancel(Slot::Search);
        if let Some((place, number)) = self.search.take().and_then(|search| search.origin) {
            self.show(place, number);
        }
    }

    /// Goes to the next match, or the one before.
    pub(in crate::tui::model) fn next_hit(&mut self, direction: i32) {
        let Some(search) = &self.search else {
            return self.say("nothing is searched for: `/` searches");
        };
        let is_done = search.is_done;
        match self.find_hit(direction) {
            Some((hit, wrapped)) => {
                if let Some(search) = &mut self.search {
                    search.awaits = None;
                }
                if wrapped {
                    self.say(if direction < 0 {
                        "from the end"
                    } else {
                        "from the front"
                    });
                }
                self.show(hit.place, Some(hit.number));
            }
            None if is_done => {
                if let Some(search) = &mut self.search {
                    search.awaits = None;
                }
                self.say("no match");
            }
            None => {
                if let Some(search) = &mut self.search {
                    search.awaits = Some(direction);
                }
            }
        }
    }

    /// Finds the match after the cursor in a direction; direction 0 takes the row of the cursor too.
    fn find_hit(&self, direction: i32) -> Option<(ListedRow, bool)> {
        let search = self.search.as_ref()?;
        let hits = &search.hits;
        let here = match direction {
            0 => search.origin.map(|(place, _)| place),
            _ => None,
        };
        let here = here.or_else(|| self.table.current().map(|row| row.place));
        let here = here.unwrap_or(RowPlace { file: 0, key: 0 });
        if self.sifting.sort.is_some() {
            return self.find_hit_in_list(direction, here);
        }
        let found = match direction {
            0 => hits.get(hits.partition_point(|hit| hit.place < here)),
            1.. => hits.get(hits.partition_point(|hit| hit.place <= here)),
            _ => {
                let at = hits.partition_point(|hit| hit.place < here);
                at.checked_sub(1).and_then(|at| hits.get(at))
            }
        };
        if let Some(hit) = found {
            return Some((*hit, false));
        }
        // Only a whole search knows what is first from the other side.
        let other = if direction < 0 {
            hits.last()
        } else {
            hits.first()
        };
        other.filter(|_| search.is_done).map(|hit| (*hit, true))
    }

    fn find_hit_in_list(&self, direction: i32, here: RowPlace) -> Option<(ListedRow, bool)> {
        let (list, hits) = (self.sifting.list()?, &self.search.as_ref()?.hits);
        let at = list
            .iter()
            .position(|row| row.place == here)
            .unwrap_or_default();
        let is_hit = |row: &&ListedRow| {
            hits.binary_search_by_key(&row.place, |hit| hit.place)
                .is_ok()
        };
        let (before, behind) = list.split_at_checked(at)?;
        let found = match direction {
            0 => behind.iter().find(is_hit),
            1.. => behind.iter().skip(1).find(is_hit),
            _ => before.iter().rev().find(is_hit),
        };
        found.map(|row| (*row, false)).or_else(|| {
            let other = if direction < 0 {
                list.iter().rev().find(is_hit)
            } else {
                list.iter().find(is_hit)
            };
            other.map(|row| (*row, true))
        })
    }

    /// Searches for the value of the cell under the cursor.
    pub(in crate::tui::model) fn search_like(&mut self) {
        let origin = self.table.current().map(|row| (row.place, row.number));
        match self.cell_filter(false) {
            Ok(filter) => {
                self.begin_search(filter, origin);
                if let Some(search) = &mut self.search {
                    search.awaits = Some(1);
                }
            }
            Err(error) => self.say(error),
        }
    }

    /// Returns true while a person types a search.
    pub(in crate::tui::model) fn is_typing_search(&self) -> bool {
        self.prompt
            .as_ref()
            .is_some_and(|prompt| prompt.kind == PromptKind::Search)
    }
}
