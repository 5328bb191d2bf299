//! First pass: counts the rows, hashes each, and records the values that rank them.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::Keep;
use crate::inspect::dedup::Retention;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::exact::hash::hash_128;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::external::multi_pass::RowText;
use crate::inspect::dedup::external::partitions::Partitions;
use crate::inspect::table::Batch;
use crate::inspect::table::Scan;
use crate::inspect::table::Scratch;
use crate::inspect::table::TableError;
use crate::wire::limits::DEDUP_ROWS_MAX;
use crate::wire::limits::DEDUP_SOURCES_MAX;

/// Partitions of the hashes, by their first bits.
pub(in crate::inspect::dedup) const HASH_PARTS: usize = 64;
/// Bytes of a record: the hash, the row number, and the row's position in its batch.
pub(in crate::inspect::dedup) const HASH_RECORD_BYTES: usize = 24;

/// Result of the first pass.
pub(in crate::inspect::dedup) struct RowHashes<'a> {
    /// Number of rows that are not blank.
    pub(in crate::inspect::dedup) rows: u64,
    /// Number of row numbers, those of blank rows included.
    pub(in crate::inspect::dedup) numbers: u64,
    /// Number of rows that are not blank before each batch, and the total.
    pub(in crate::inspect::dedup) rows_before: Vec<u64>,
    pub(in crate::inspect::dedup) hashes: Partitions<'a>,
    pub(in crate::inspect::dedup) ranks: Ranks,
    pub(in crate::inspect::dedup) sources: Sources,
}

/// Preference between two rows: the greater value wins, then the earlier row.
#[derive(Default)]
pub(in crate::inspect::dedup) struct Ranks {
    /// One value per row; empty if only the order of rows decides.
    values: Vec<u64>,
}

impl Ranks {
    /// Orders two rows: the kept one first, the removed one second.
    pub(in crate::inspect::dedup) fn order(&self, a: u32, b: u32) -> (u32, u32) {
        if self.key(a) <= self.key(b) {
            (a, b)
        } else {
            (b, a)
        }
    }

    /// Sort key of a row; less for a row with higher preference.
    pub(in crate::inspect::dedup) fn key(&self, row: u32) -> (u64, u32) {
        let value = self.values.get(row as usize).copied().unwrap_or(0);
        (u64::MAX - value, row)
    }

    pub(in crate::inspect::dedup) fn is_by_row(&self) -> bool {
        self.values.is_empty()
    }
}

/// The source of each row.
#[derive(Default)]
pub(in crate::inspect::dedup) struct Sources {
    names: Vec<String>,
    by_name: HashMap<String, u16>,
    of_rows: Vec<u16>,
}

impl Sources {
    fn number(&mut self, name: String) -> u16 {
        if let Some(number) = self.by_name.get(&name) {
            return *number;
        }
        let name = if self.names.len() < DEDUP_SOURCES_MAX - 1 {
            name
        } else {
            OTHER_SOURCES.to_owned()
        };
        let next = u16::try_from(self.names.len()).unwrap_or(u16::MAX);
        let number = *self.by_name.entry(name.clone()).or_insert(next);
        if number == next {
            self.names.push(name);
        }
        number
    }

    /// Counts the rows of each source, and those left after the removal of `removed`.
    pub(in crate::inspect::dedup) fn retention(&self, removed: &RowSet) -> Vec<Retention> {
        let of = |name: &String| Retention {
            source: name.clone(),
            ..Retention::default()
        };
        let mut found: Vec<Retention> = self.names.iter().map(of).collect();
        for (row, number) in self.of_rows.iter().enumerate() {
            if let Some(source) = found.get_mut(usize::from(*number)) {
                source.rows += 1;
                source.kept += u64::from(!removed.contains(row as u64));
            }
        }
        found.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.source.cmp(&b.source)));
        found
    }
}

/// Name that collects all sources beyond `DEDUP_SOURCES_MAX`.
const OTHER_SOURCES: &str = "(others)";
/// Results of one batch.
#[derive(Default)]
struct BatchHashes {
    /// Per row: its number, its position, and its hash; no hash for a row that equals no other.
    hashes: Vec<(u64, u32, Option<u128>)>,
    ranks: Vec<(u64, u64)>,
    sources: Vec<(u64, String)>,
}

/// Runs the first pass, and records in `passes` the number of rows in each batch.
pub(in crate::inspect::dedup) fn hash_rows<'a>(
    passes: &mut Passes<'_>,
    options: &DedupOptions<'a>,
) -> Result<RowHashes<'a>, TableError> {
    passes.progress.phase("hashing rows", passes.size_bytes);
    let mut found = RowHashes {
        rows: 0,
        numbers: 0,
        rows_before: vec![0],
        hashes: Partitions::new(HASH_PARTS, options.budget_bytes / 2, options.spill),
        ranks: Ranks::default(),
        sources: Sources::default(),
    };
    let batches = passes.batches()?;
    let firsts = &mut passes.firsts;
    firsts.push(0);
    let scan = Scan {
        batches: &*batches,
        threads: options.threads,
        progress: passes.progress,
    };
    scan.run(
        || (RowText::default(), Scratch::default()),
        |(text, scratch), batch| look(batch, options, text, scratch),
        |made| {
            found.numbers += made.rows;
            if found.numbers > DEDUP_ROWS_MAX {
                let reason = format!("there are more than {DEDUP_ROWS_MAX} rows");
                return Err(TableError::Unsupported(reason));
            }
            firsts.push(found.numbers);
            found.take(made.first, made.value)?;
            Ok(ControlFlow::Continue(()))
        },
    )?;
    found.hashes.end_writing()?;
    passes.surveyed = Some(batches);
    Ok(found)
}

impl RowHashes<'_> {
    fn take(&mut self, first: u64, seen: BatchHashes) -> Result<(), TableError> {
        self.rows += seen.hashes.len() as u64;
        self.rows_before.push(self.rows);
        for (index, place, hash) in seen.hashes {
            let Some(hash) = hash else { continue };
            // The number of rows is below `DEDUP_ROWS_MAX`.
            let row = u32::try_from(first + index).unwrap_or(u32::MAX);
            let mut record = [0; HASH_RECORD_BYTES];
            let (to_hash, to_place) = record.split_at_mut(16);
            to_hash.copy_from_slice(&hash.to_le_bytes());
            let place = u64::from(row) << 32 | u64::from(place);
            to_place.copy_from_slice(&place.to_le_bytes());
            self.hashes.push((hash >> 122) as usize, &record)?;
        }
        if !seen.ranks.is_empty() {
            let numbers = usize::try_from(self.numbers).unwrap_or(0);
            self.ranks.values.resize(numbers, 0);
            for (index, rank) in seen.ranks {
                let at = usize::try_from(first + index).unwrap_or(usize::MAX);
                if let Some(value) = self.ranks.values.get_mut(at) {
                    *value = rank;
                }
            }
        }
        for (index, name) in seen.sources {
            let at = usize::try_from(first + index).unwrap_or(usize::MAX);
            // Blank rows before it have no source.
            self.sources.of_rows.resize(at, u16::MAX);
            let number = self.sources.number(name);
            self.sources.of_rows.push(number);
        }
        Ok(())
    }
}

fn look(
    batch: &Batch,
    options: &DedupOptions<'_>,
    text: &mut RowText,
    scratch: &mut Scratch,
) -> Result<BatchHashes, TableError> {
    let mut seen = BatchHashes::default();
    for row in batch.rows() {
        if let Some(long) = batch.long(&row) {
            // Rows with equal beginnings may differ further on.
            long.read_all()?;
        }
        let bytes = text.bytes(batch, &row, &options.columns);
        let place = batch.place_of(&row);
        seen.hashes.push((row.index, place, bytes.map(hash_128)));
        match &options.keep {
            Keep::First => {}
            Keep::Longest => {
                let length = text.strings(batch, &row, &options.columns).len();
                seen.ranks.push((row.index, length as u64));
            }
            Keep::Maximum(column) => {
                let cell = batch.shape().cell(row.text, column, scratch);
                let number = cell.and_then(|c| {
                    let text = std::str::from_utf8(c.bytes()).ok()?;
                    text.trim().parse::<f64>().ok().filter(|n| !n.is_nan())
                });
                seen.ranks.push((row.index, number.map_or(0, sort_key)));
            }
        }
        if let Some(column) = &options.source {
            let cell = batch.shape().cell(row.text, column, scratch);
            let name = cell.map(|c| String::from_utf8_lossy(c.bytes()).into_owned());
            seen.sources.push((row.index, name.unwrap_or_default()));
        }
    }
    Ok(seen)
}

/// Maps a number to an integer with the same order; 0 is reserved for rows without a number.
fn sort_key(number: f64) -> u64 {
    let bits = number.to_bits();
    match bits >> 63 {
        0 => bits | 1 << 63,
        _ => !bits,
    }
}
