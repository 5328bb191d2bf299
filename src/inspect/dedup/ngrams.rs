//! Long runs of words that two tables share.

use std::collections::HashMap;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::external::multi_pass::TextOf;
use crate::inspect::dedup::near::shingles::each_gram;
use crate::inspect::dedup::overlap::Tables;
use crate::inspect::table::TableError;

/// How many rows of the second table have a run of so many words that the first has too. The runs
/// of the smaller table are held in memory, 12 to 24 bytes each.
pub(in crate::inspect::dedup) fn shared_grams(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    tables: &Tables,
    words: usize,
) -> Result<u64, TableError> {
    let mut held = Vec::new();
    for part in each_of(passes, options, tables, words, true, &|_| true)? {
        held.extend(part);
    }
    held.sort_unstable();
    let has = |hash: u64| {
        let at = held.partition_point(|(h, _)| *h < hash);
        held.get(at).is_some_and(|(h, _)| *h == hash)
    };
    let met = each_of(passes, options, tables, words, false, &has)?;
    let mut contaminated = RowSet::with_rows(tables.numbers);
    for (hash, row) in met.iter().flatten() {
        if tables.is_second(*row) {
            contaminated.insert((*row).into());
        } else {
            let at = held.partition_point(|(h, _)| h < hash);
            let rest = held.get(at..).unwrap_or_default();
            for (_, row) in rest.iter().take_while(|(h, _)| h == hash) {
                contaminated.insert((*row).into());
            }
        }
    }
    Ok(contaminated.len())
}

type Gram = (u64, u32);

/// The runs of words, of one of the tables, that are wanted; of the larger each once a thread where
/// it is in the first table, and once a row where it is in the second.
fn each_of(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    tables: &Tables,
    words: usize,
    of_smaller: bool,
    wants: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Vec<Vec<Gram>>, TableError> {
    let made = passes.each(
        "comparing runs of words",
        || (TextOf::default(), HashMap::new(), Vec::new()),
        |(text, once, found), first, batch| {
            for row in batch.rows() {
                let number = first + row.index;
                if tables.is_of_smaller(number) != of_smaller {
                    continue;
                }
                // Rows are fewer than `DEDUP_ROWS_MAX`.
                let row_number = number as u32;
                let text = text.strings(batch, &row, &options.columns);
                let is_first = !tables.is_second(row_number);
                let mut is_known = false;
                each_gram(text, words, |hash| {
                    if of_smaller {
                        found.push((hash, row_number));
                    } else if is_first {
                        if wants(hash) {
                            once.entry(hash).or_insert(row_number);
                        }
                    } else if !is_known && wants(hash) {
                        is_known = true;
                        found.push((hash, row_number));
                    }
                });
            }
            Ok(())
        },
    )?;
    let joined = made.into_iter().map(|(_, once, mut found)| {
        found.extend(once);
        found
    });
    Ok(joined.collect())
}
