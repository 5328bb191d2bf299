//! A search and its matches.

use crate::tui::document::RowPlace;
use crate::tui::job::Filter;
use crate::tui::job::ListedRow;

/// A search, and what it found so far.
#[derive(Debug)]
pub(in crate::tui) struct Search {
    pub filter: Filter,
    pub hits: Vec<ListedRow>,
    /// Number of all matches so far, also of those that are not kept.
    pub count: u64,
    pub is_done: bool,
    /// Direction to go once there is a match; the search was asked for by `n` or `N`.
    pub awaits: Option<i32>,
    /// Row of the cursor when the search began.
    pub origin: Option<(RowPlace, Option<u64>)>,
}
