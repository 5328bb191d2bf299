//! Stop shingles: shingles that very many rows share, such as a prompt template or frequent words
//! of the language.
//!
//! They are counted in a sample of at most 32,768 distinct rows, selected by a hash of the row
//! number. A shingle is common if more than one row in 4,096 has it, and more than 32 rows. Its
//! weight is that bound divided by the number of its rows. All other shingles have weight 1.

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::Shingle;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::external::multi_pass::RowText;
use crate::inspect::dedup::near::shingles::shingle_set;
use crate::inspect::table::TableError;
use crate::splitmix::mix;

const SAMPLE_ROWS: u64 = 32_768;
/// Limit of sample shingles per thread; further rows are not sampled.
const SAMPLE_SHINGLES: usize = 8 << 20;
const COMMON_PART: f64 = 1.0 / 4096.0;
const COMMON_ROWS: f64 = 32.0;
/// Least weight of a sketched shingle. Rows that share only lighter shingles never become
/// candidates.
const SKETCHED_WEIGHT: f32 = 0.125;

/// Hash table of the common shingles with their weights.
#[derive(Default)]
pub(in crate::inspect::dedup) struct StopShingles {
    places: Vec<(u32, f32)>,
}

impl StopShingles {
    /// Counts the shingles of the rows outside `removed`.
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
            || (ShingleSample::default(), RowText::default()),
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

    /// Creates a table from the shingles that sketches skip, without known weights.
    pub(in crate::inspect::dedup) fn of_left_out(shingles: &[u32]) -> Self {
        Self::of_weights(shingles.iter().map(|s| (*s, 0.0)).collect())
    }

    /// Returns the shingles that sketches skip, in ascending order.
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

    /// Weight of a shingle, from 0 to 1.
    pub(in crate::inspect::dedup) fn weight(&self, shingle: u32) -> f32 {
        let mut at = self.start(shingle);
        // More than half of the slots are free, so the probe ends soon.
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

    /// Copies the shingles worth a sketch to `out`; all of them if none is.
    pub(in crate::inspect::dedup) fn select_sketched(&self, shingles: &[u32], out: &mut Vec<u32>) {
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

/// Marker of a free slot; real weights are not negative.
const FREE: (u32, f32) = (0, -1.0);

#[derive(Default)]
struct ShingleSample {
    rows: u64,
    set: Vec<u32>,
    shingles: Vec<u32>,
}

impl ShingleSample {
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
