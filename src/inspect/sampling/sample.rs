//! Uniform random samples of a table, reproducible by a seed.
//!
//! Each row gets a number that depends only on the seed and the row's index. The rows with the
//! least numbers are kept. This is bottom-k sampling (Cohen, Kaplan: "Summarizing data using
//! bottom-k sketches", PODC 2007). With these numbers it is a sample without replacement, like a
//! reservoir, but independent of threads and reading order.

use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Scan;
use crate::inspect::table::ScannedBatch;
use crate::inspect::table::TableError;
use crate::progress::Progress;

/// Options of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SampleOptions {
    /// Number of reading threads.
    pub threads: usize,
    /// Number of rows; all rows if there are fewer.
    pub rows: usize,
    /// Seed; another seed draws other rows.
    pub seed: u64,
}

impl SampleOptions {
    /// Creates options for a number of rows and a seed, with one thread.
    pub fn new(rows: usize, seed: u64) -> Self {
        Self {
            threads: 1,
            rows,
            seed,
        }
    }
}

/// Result of a sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// The rows drawn, in table order.
    pub rows: Vec<SampledRow>,
    /// Number of rows in the table.
    pub rows_in: u64,
}

/// A row drawn for the sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampledRow {
    /// Row number, from the start of the batches.
    pub number: u64,
    /// Text of the row.
    pub text: Vec<u8>,
}

/// Draws a sample.
///
/// # Errors
/// [`TableError`] of the first unreadable batch, in row order.
pub fn sample(
    batches: &dyn Batches,
    options: &SampleOptions,
    progress: &dyn Progress,
) -> Result<Sample, TableError> {
    let mut drawn = DrawWorker::default();
    let scan = Scan {
        batches,
        threads: options.threads,
        progress,
    };
    scan.run(
        || (),
        // The index of a row is known only when all rows before it are counted.
        |(), batch| Ok(batch.clone()),
        |made| {
            drawn.add(&made, options);
            Ok::<_, TableError>(ControlFlow::Continue(()))
        },
    )?;
    let mut rows: Vec<SampledRow> = drawn.kept.into_iter().map(Ticket::into_row).collect();
    rows.sort_unstable_by_key(|row| row.number);
    Ok(Sample {
        rows,
        rows_in: drawn.rows_in,
    })
}

#[derive(Default)]
struct DrawWorker {
    /// Max-heap: the greatest number is on top.
    kept: BinaryHeap<Ticket>,
    rows_in: u64,
}

/// A row with its random number.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    drew: u64,
    number: u64,
    text: Vec<u8>,
}

impl DrawWorker {
    fn add(&mut self, made: &ScannedBatch<Batch>, options: &SampleOptions) {
        for row in made.value.rows() {
            self.rows_in += 1;
            let number = made.first + row.index;
            let drew = draw(options.seed, number);
            let is_full = self.kept.len() >= options.rows;
            match self.kept.peek() {
                Some(last) if is_full && (drew, number) >= (last.drew, last.number) => continue,
                None if is_full => continue,
                _ => {}
            }
            if is_full {
                self.kept.pop();
            }
            self.kept.push(Ticket {
                drew,
                number,
                text: row.text.to_vec(),
            });
        }
    }
}

impl Ticket {
    fn into_row(self) -> SampledRow {
        SampledRow {
            number: self.number,
            text: self.text,
        }
    }
}

/// Random number of a row: the mix of `SplitMix64` (Steele, Lea, Flood: "Fast splittable
/// pseudorandom number generators", 2014), applied to the seed and then to the row.
fn draw(seed: u64, row: u64) -> u64 {
    mix(mix(seed.wrapping_add(GOLDEN)) ^ row.wrapping_add(1).wrapping_mul(GOLDEN))
}

fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The golden ratio as a 64-bit fraction.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inspect::table::LineTable;
    use crate::inspect::table::Selection;
    use crate::inspect::table::Shape;
    use crate::inspect::table::Table;
    use crate::progress::NoProgress;

    fn of(text: &str, options: &SampleOptions) -> Sample {
        let table = Arc::new(LineTable::new(
            Arc::new(text.as_bytes().to_vec()),
            Shape::Json,
        ));
        let batches = table.batches(&Selection::default()).unwrap();
        sample(&*batches, options, &NoProgress).unwrap()
    }

    #[test]
    fn sample_depends_on_seed_alone() {
        let text: String = (0..60_000).map(|n| format!("{{\"n\":{n}}}\n\n")).collect();
        let with = |threads, seed| SampleOptions {
            threads,
            rows: 500,
            seed,
        };
        let one = of(&text, &with(1, 7));
        assert_eq!((one.rows.len(), one.rows_in), (500, 60_000));
        for row in &one.rows {
            let n = row.number / 2;
            assert_eq!(row.text, format!("{{\"n\":{n}}}").into_bytes());
        }
        assert!(one.rows.is_sorted_by(|a, b| a.number < b.number));
        assert_eq!(of(&text, &with(4, 7)), one);
        assert_ne!(of(&text, &with(1, 8)), one);
    }

    #[test]
    fn sample_draws_rows_uniformly() {
        let text: String = (0..20).map(|n| format!("{n}\n")).collect();
        let mut times = [0_u32; 20];
        for seed in 0..4000 {
            let options = SampleOptions {
                threads: 1,
                rows: 5,
                seed,
            };
            for row in of(&text, &options).rows {
                times[row.number as usize] += 1;
            }
        }
        // 1000 expected, standard deviation 27.
        assert!(times.iter().all(|n| n.abs_diff(1000) < 130), "{times:?}");
    }

    #[test]
    fn sample_of_few_rows_takes_all() {
        let options = |rows| SampleOptions {
            threads: 2,
            rows,
            seed: 1,
        };
        assert_eq!(of("1\n2\n3", &options(10)).rows.len(), 3);
        assert_eq!(of("1\n2\n3", &options(0)).rows.len(), 0);
        assert_eq!(of("", &options(5)), Sample::default());
    }
}
