//! Rows that are alike, kept on one side of a split.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::inspect::dup::Evidence;
use crate::inspect::split::KeptPlaces;
use crate::inspect::split::Place;
use crate::inspect::split::Splitter;
use crate::inspect::table::Batches;
use crate::inspect::table::TableError;
use crate::progress::Progress;

/// Where the rows of groups go: all of a group to the least place of them, which does not depend on
/// their order.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    places: HashMap<u64, Place>,
}

impl Groups {
    /// The groups that a search for duplicates found: a row that stays and those like it.
    ///
    /// # Errors
    /// [`TableError`] of the first batch that cannot be read, in the order of the rows.
    pub fn read(
        batches: &dyn Batches,
        threads: usize,
        splitter: &Splitter,
        evidence: &[Evidence],
        progress: &dyn Progress,
    ) -> Result<Self, TableError> {
        let mut members: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for why in evidence {
            members.entry(why.kept).or_default().push(why.removed);
        }
        let mut rows: Vec<u64> = evidence.iter().map(|why| why.removed).collect();
        rows.extend(members.keys());
        rows.sort_unstable();
        let own = KeptPlaces::read(batches, threads, splitter, &rows, progress)?;
        let mut places = HashMap::new();
        for (kept, removed) in &members {
            let all = || removed.iter().chain([kept]);
            let least = all().filter_map(|row| own.place(*row)).min();
            if let Some(least) = least {
                places.extend(all().map(|row| (*row, least)));
            }
        }
        Ok(Self { places })
    }

    /// Where a row goes that has others like it.
    pub fn place(&self, row: u64) -> Option<Place> {
        self.places.get(&row).copied()
    }
}
