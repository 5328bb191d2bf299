//! Shingles that very many rows have: the words of a prompt's template, and those of the language.
//!
//! They are counted in a sample of at most 32,768 rows, drawn by a hash of their number, equal rows
//! once. A shingle is common where more than one row in 4,096 has it, and more than 32 rows have.
//! Its weight is then that bound divided by the number of its rows; of all others it is 1.

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::Shingle;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::external::multi_pass::TextOf;
use crate::inspect::dedup::near::shingles::shingle_set;
use crate::inspect::table::TableError;
use crate::splitmix::mix;

const SAMPLE_ROWS: u64 = 32_768;
/// Shingles of the sample in all, for each thread; rows beyond are left out of it.
const SAMPLE_SHINGLES: usize = 8 << 20;
const COMMON_PART: f64 = 1.0 / 4096.0;
const COMMON_ROWS: f64 = 32.0;
/// Shingles of less weight are not sketched: rows that share nothing else never meet.
const SKETCHED_WEIGHT: f32 = 0.125;

/// The common shingles with their weights, in a table with free places between them.
#[derive(Default)]
pub(in crate::inspect::dedup) struct Common {
    places: Vec<(u32, f32)>,
}

impl Common {
    /// Counts the shingles of the rows that are not in `removed`.
    pub(in crate::inspect::dedup) fn count(
        passes: &Passes<'_>,
        options: &DedupOptions<'_>,
        removed: &RowSet,
        rows: u64,
    ) -> Result<Self, TableError> {
        let share = SAMPLE_ROWS as f64 / rows.max(1) as f64;
        let bound = if share >= 1.0 {
            u64::MAX
        } else {
            (share * u64::MAX as f64) as u64
        };
        let shingle = options.shingle();
        let made = passes.each(
            "sampling",
            || (Sample::default(), TextOf::default()),
            |(sample, text), first, batch| {
                for row in batch.rows() {
                    let number = first + row.index;
                    if mix(number) <= bound && !removed.contains(number) {
                        sample.add(text.strings(batch, &row, &options.columns), shingle);
                    }
                }
                Ok(())
            },
        )?;
        let sampled: u64 = made.iter().map(|(s, _)| s.rows).sum();
        let mut all: Vec<u32> = made.into_iter().flat_map(|(s, _)| s.shingles).collect();
        all.sort_unstable();
        let scale = (sampled as f64 / rows.max(1) as f64).min(1.0);
        let most = (COMMON_PART * sampled as f64)
            .max(COMMON_ROWS * scale)
            .max(1.0);
        Ok(Self::of_sorted(&all, most))
    }

    fn of_sorted(all: &[u32], most: f64) -> Self {
        let runs = all.chunk_by(|a, b| a == b);
        let common = runs
            .filter(|run| run.len() as f64 > most)
            .filter_map(|run| {
                let weight = most / run.len() as f64;
                Some((*run.first()?, weight as f32))
            });
        Self::of_weights(common.collect())
    }

    /// With shingles that sketches leave out, of which nothing else is known.
    pub(in crate::inspect::dedup) fn of_left_out(shingles: &[u32]) -> Self {
        Self::of_weights(shingles.iter().map(|s| (*s, 0.0)).collect())
    }

    /// The shingles that sketches leave out, ascending.
    pub(in crate::inspect::dedup) fn left_out(&self) -> Vec<u32> {
        let taken = self.places.iter().filter(|p| p.1 != FREE.1);
        let common = taken.filter(|p| p.1 < SKETCHED_WEIGHT);
        let mut shingles: Vec<u32> = common.map(|p| p.0).collect();
        shingles.sort_unstable();
        shingles
    }

    fn of_weights(common: Vec<(u32, f32)>) -> Self {
        let mut table = Self {
            places: vec![FREE; (common.len() * 2).next_power_of_two().max(1)],
        };
        for entry in common {
            let mut at = table.start(entry.0);
            while table.places.get(at).is_some_and(|p| *p != FREE) {
                at = (at + 1) % table.places.len();
            }
            if let Some(place) = table.places.get_mut(at) {
                *place = entry;
            }
        }
        table
    }

    fn start(&self, shingle: u32) -> usize {
        shingle.wrapping_mul(0x9e37_79b1) as usize & self.places.len().saturating_sub(1)
    }

    /// How much a shingle counts, from 0 to 1.
    pub(in crate::inspect::dedup) fn weight(&self, shingle: u32) -> f32 {
        let mut at = self.start(shingle);
        // More than half of the places are free, so this ends soon.
        while let Some(place) = self.places.get(at) {
            if place.1 == FREE.1 {
                return 1.0;
            }
            if place.0 == shingle {
                return place.1;
            }
            at = (at + 1) & (self.places.len() - 1);
        }
        1.0
    }

    /// Leaves the shingles that are worth a sketch; all where there is none.
    pub(in crate::inspect::dedup) fn thin(&self, shingles: &[u32], out: &mut Vec<u32>) {
        out.clear();
        let rare = shingles
            .iter()
            .filter(|s| self.weight(**s) >= SKETCHED_WEIGHT);
        out.extend(rare);
        if out.is_empty() {
            out.extend_from_slice(shingles);
        }
    }
}

/// No shingle weighs less than nothing.
const FREE: (u32, f32) = (0, -1.0);

#[derive(Default)]
struct Sample {
    rows: u64,
    set: Vec<u32>,
    shingles: Vec<u32>,
}

impl Sample {
    fn add(&mut self, text: &[u8], shingle: Shingle) {
        if self.shingles.len() >= SAMPLE_SHINGLES {
            return;
        }
        self.rows += 1;
        shingle_set(text, shingle, &mut self.set);
        self.set.truncate(SAMPLE_SHINGLES - self.shingles.len());
        self.shingles.extend_from_slice(&self.set);
    }
}
