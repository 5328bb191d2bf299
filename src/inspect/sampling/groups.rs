//! Rows that are alike, kept on one side of a split.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::inspect::dedup::Evidence;
use crate::inspect::sampling::split::Place;
use crate::inspect::sampling::split::Splitter;
use crate::inspect::table::Scan;
use crate::inspect::table::Scratch;
use crate::inspect::table::TableError;

/// Where the rows of groups go: all of a group to the least place of them, which does not depend on
/// their order.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    places: HashMap<u64, Place>,
}

impl Groups {
    /// The groups that a search for duplicates found: a row that stays and those like it. The rows
    /// are read once more.
    ///
    /// # Errors
    /// [`TableError`] of the first batch that cannot be read, in the order of the rows.
    pub fn read(
        scan: &Scan<'_>,
        splitter: &Splitter,
        evidence: &[Evidence],
    ) -> Result<Self, TableError> {
        let mut members: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for why in evidence {
            members.entry(why.kept).or_default().push(why.removed);
        }
        let mut rows: Vec<u64> = evidence.iter().map(|why| why.removed).collect();
        rows.extend(members.keys());
        rows.sort_unstable();
        let own = own_places(scan, splitter, &rows)?;
        let mut places = HashMap::new();
        for (kept, removed) in &members {
            let all = || removed.iter().chain([kept]);
            let least = all().filter_map(|row| own.get(row)).min();
            if let Some(least) = least {
                places.extend(all().map(|row| (*row, *least)));
            }
        }
        Ok(Self { places })
    }

    /// Where a row goes that has others like it.
    pub fn place(&self, row: u64) -> Option<Place> {
        self.places.get(&row).copied()
    }
}

/// Where each of these rows, in ascending order, would go alone.
fn own_places(
    scan: &Scan<'_>,
    splitter: &Splitter,
    wanted: &[u64],
) -> Result<HashMap<u64, Place>, TableError> {
    let mut places = HashMap::new();
    scan.run::<_, _, TableError>(
        Scratch::default,
        |scratch, batch| {
            let rows = batch.rows().map(|row| {
                let place = splitter.place(batch.shape(), row.text, scratch);
                (row.index, place)
            });
            Ok(rows.collect::<Vec<_>>())
        },
        |made| {
            let rows = made.value.into_iter();
            let rows = rows.map(|(index, place)| (made.first + index, place));
            places.extend(rows.filter(|(row, _)| wanted.binary_search(row).is_ok()));
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(places)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inspect::dedup::Likeness;
    use crate::inspect::sampling::split::SplitBy;
    use crate::inspect::sampling::split::SplitOptions;
    use crate::inspect::table::Lines;
    use crate::inspect::table::Selection;
    use crate::inspect::table::Shape;
    use crate::inspect::table::Table;
    use crate::progress::NoProgress;

    #[test]
    fn a_group_goes_where_its_least_row_goes_whichever_is_kept() {
        let text: String = (0..50_000).map(|n| format!("line {n}\n")).collect();
        let table = Arc::new(Lines::new(Arc::new(text.into_bytes()), Shape::Text));
        let options = SplitOptions {
            ratios: vec![1, 1],
            seed: 3,
            by: SplitBy::Row,
        };
        let splitter = Splitter::new(&options).unwrap();
        let read = |pairs: &[(u64, u64)]| {
            let evidence = pairs.iter().map(|(removed, kept)| Evidence {
                removed: *removed,
                kept: *kept,
                similarity: 0.9,
                likeness: Likeness::Near,
            });
            let batches = Arc::clone(&table).batches(&Selection::default()).unwrap();
            let scan = Scan {
                batches: &*batches,
                threads: 3,
                progress: &NoProgress,
            };
            Groups::read(&scan, &splitter, &evidence.collect::<Vec<_>>()).unwrap()
        };
        let rows = [40_000, 7, 31_234];
        let places = rows.map(|row| splitter.place_of(format!("line {row}").as_bytes()));
        let least = places.into_iter().min();
        let (one, other) = (
            read(&[(40_000, 7), (31_234, 7)]),
            read(&[(7, 31_234), (40_000, 31_234)]),
        );
        for row in rows {
            assert_eq!((one.place(row), other.place(row)), (least, least));
        }
        assert_eq!(one.place(8), None);
    }
}
