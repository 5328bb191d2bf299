//! N-gram overlap: long runs of words that two tables share.

use std::collections::HashMap;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::external::multi_pass::RowText;
use crate::inspect::dedup::near::shingles::each_ngram;
use crate::inspect::dedup::table_pair::TablePair;
use crate::inspect::table::TableError;

/// Counts the rows of the second table that share a run of `words` words with the first. Holds the
/// runs of the smaller table in memory, at 12 to 24 bytes each.
pub(in crate::inspect::dedup) fn shared_ngrams(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    tables: &TablePair,
    words: usize,
) -> Result<u64, TableError> {
    let mut held = Vec::new();
    for part in each_ngram_of(passes, options, tables, words, true, &|_| true)? {
        held.extend(part);
    }
    held.sort_unstable();
    let has = |hash: u64| {
        let at = held.partition_point(|(h, _)| *h < hash);
        held.get(at).is_some_and(|(h, _)| *h == hash)
    };
    let met = each_ngram_of(passes, options, tables, words, false, &has)?;
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

type Ngram = (u64, u32);

/// Passes on the wanted runs of words of one table. For the larger table, runs of the first table
/// are reported once per thread and runs of the second once per row.
fn each_ngram_of(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    tables: &TablePair,
    words: usize,
    of_smaller: bool,
    wants: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Vec<Vec<Ngram>>, TableError> {
    let made = passes.each(
        "comparing runs of words",
        || (RowText::default(), HashMap::new(), Vec::new()),
        |(text, once, found), first, batch| {
            for row in batch.rows() {
                let number = first + row.index;
                if tables.is_of_smaller(number) != of_smaller {
                    continue;
                }
                // The number of rows is below `DEDUP_ROWS_MAX`.
                let row_number = number as u32;
                let text = text.strings(batch, &row, &options.columns);
                let is_first = !tables.is_second(row_number);
                let mut is_known = false;
                each_ngram(text, words, |hash| {
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
