//! The first pass: how many rows there are, a hash of each, and what decides which one stays.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::Keep;
use crate::inspect::dedup::Retention;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::exact::hash::hash_128;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::external::multi_pass::TextOf;
use crate::inspect::dedup::external::partitions::Partitions;
use crate::inspect::table::Batch;
use crate::inspect::table::Scan;
use crate::inspect::table::Scratch;
use crate::inspect::table::TableError;
use crate::wire::limits::DEDUP_ROWS_MAX;
use crate::wire::limits::DEDUP_SOURCES_MAX;

/// Parts into which hashes go by their first bits.
pub(in crate::inspect::dedup) const HASH_PARTS: usize = 64;
/// Bytes of a hash with its row, and the place of that in its batch.
pub(in crate::inspect::dedup) const HASH_RECORD_BYTES: usize = 24;

/// What the first pass found.
pub(in crate::inspect::dedup) struct Survey<'a> {
    /// Rows that are not blank.
    pub(in crate::inspect::dedup) rows: u64,
    /// Numbers that rows have, those of blank ones included.
    pub(in crate::inspect::dedup) numbers: u64,
    /// Rows that are not blank before each batch, and in all.
    pub(in crate::inspect::dedup) rows_before: Vec<u64>,
    pub(in crate::inspect::dedup) hashes: Partitions<'a>,
    pub(in crate::inspect::dedup) ranks: Ranks,
    pub(in crate::inspect::dedup) sources: Sources,
}

/// What decides which of two rows stays: the greater value, then the earlier row.
#[derive(Default)]
pub(in crate::inspect::dedup) struct Ranks {
    /// Of each row; none where only the order of rows counts.
    values: Vec<u64>,
}

impl Ranks {
    /// The one of two rows that stays, and the one that goes.
    pub(in crate::inspect::dedup) fn order(&self, a: u32, b: u32) -> (u32, u32) {
        match self.key(a) <= self.key(b) {
            true => (a, b),
            false => (b, a),
        }
    }

    /// Less for rows that stay sooner.
    pub(in crate::inspect::dedup) fn key(&self, row: u32) -> (u64, u32) {
        let value = self.values.get(row as usize).copied().unwrap_or(0);
        (u64::MAX - value, row)
    }

    pub(in crate::inspect::dedup) fn is_by_row(&self) -> bool {
        self.values.is_empty()
    }
}

/// Which source each row is of.
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
        let name = match self.names.len() < DEDUP_SOURCES_MAX - 1 {
            true => name,
            false => OTHER_SOURCES.to_owned(),
        };
        let next = u16::try_from(self.names.len()).unwrap_or(u16::MAX);
        let number = *self.by_name.entry(name.clone()).or_insert(next);
        if number == next {
            self.names.push(name);
        }
        number
    }

    /// How many rows of each stay, when these go.
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

/// What all sources beyond `DEDUP_SOURCES_MAX` are counted as.
const OTHER_SOURCES: &str = "(others)";
/// What decides and what is counted of a batch.
#[derive(Default)]
struct Seen {
    /// None for a row that is like no other.
    hashes: Vec<(u64, u32, Option<u128>)>,
    ranks: Vec<(u64, u64)>,
    sources: Vec<(u64, String)>,
}

/// Goes over the rows for the first time, and tells `passes` how many each batch has.
pub(in crate::inspect::dedup) fn survey<'a>(
    passes: &mut Passes<'_>,
    options: &DedupOptions<'a>,
) -> Result<Survey<'a>, TableError> {
    passes.progress.phase("hashing rows", passes.size_bytes);
    let mut found = Survey {
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
        || (TextOf::default(), Scratch::default()),
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
    found.hashes.settle()?;
    passes.surveyed = Some(batches);
    Ok(found)
}

impl Survey<'_> {
    fn take(&mut self, first: u64, seen: Seen) -> Result<(), TableError> {
        self.rows += seen.hashes.len() as u64;
        self.rows_before.push(self.rows);
        for (index, place, hash) in seen.hashes {
            let Some(hash) = hash else { continue };
            // Rows are fewer than `DEDUP_ROWS_MAX`.
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
            // Rows before it that are blank have none.
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
    text: &mut TextOf,
    scratch: &mut Scratch,
) -> Result<Seen, TableError> {
    let mut seen = Seen::default();
    for row in batch.rows() {
        if let Some(long) = batch.long(&row) {
            // Equal beginnings do not make equal rows.
            long.whole()?;
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
                seen.ranks.push((row.index, number.map_or(0, in_order)));
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

/// A whole number that is greater where the number is; 0 is left for rows without a number.
fn in_order(number: f64) -> u64 {
    let bits = number.to_bits();
    match bits >> 63 {
        0 => bits | 1 << 63,
        _ => !bits,
    }
}
