//! Row lengths in a histogram with eight buckets per power of two.

use crate::inspect::lint::checks::columns::ColumnNote;
use crate::inspect::lint::checks::columns::RowExamples;

/// Binary logarithm of the number of buckets per power of two.
const STEP_BITS: u32 = 3;
/// Least number of rows for outlier detection.
const ROWS_MIN: u64 = 100;
/// Factor over the 99th percentile that makes a row an outlier.
const TIMES: u64 = 8;

/// Histogram of row lengths.
#[derive(Debug, Default)]
pub(in crate::inspect::lint) struct LengthHistogram {
    buckets: Vec<RowExamples>,
    rows: u64,
}

/// Rows that are too long.
#[derive(Debug, Default)]
pub(in crate::inspect::lint) struct LengthOutliers {
    /// Number of rows.
    pub(in crate::inspect::lint) count: u64,
    /// Least outlier length in bytes.
    pub(in crate::inspect::lint) limit: u64,
    /// The first of them. `at` is the length.
    pub(in crate::inspect::lint) spots: Vec<ColumnNote>,
}

impl LengthHistogram {
    pub(in crate::inspect::lint) fn add(&mut self, row: u64, bytes: usize, kept: usize) {
        self.rows += 1;
        let bucket = bucket(bytes as u64);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, RowExamples::default());
        }
        if let Some(group) = self.buckets.get_mut(bucket) {
            group.count += 1;
            if group.spots.len() < kept {
                let shown = String::new();
                group.spots.push(ColumnNote {
                    row,
                    at: bytes,
                    shown,
                });
            }
        }
    }

    pub(in crate::inspect::lint) fn append(&mut self, later: Self, first: u64, kept: usize) {
        self.rows += later.rows;
        let buckets = self.buckets.len().max(later.buckets.len());
        self.buckets.resize(buckets, RowExamples::default());
        for (own, later) in self.buckets.iter_mut().zip(later.buckets) {
            own.append(later, first, kept);
        }
    }

    /// Returns the rows far longer than the rest. The limit is a bucket boundary, so the count is
    /// exact.
    pub(in crate::inspect::lint) fn extreme(&self, kept: usize) -> LengthOutliers {
        let mut extreme = LengthOutliers::default();
        if self.rows < ROWS_MIN {
            return extreme;
        }
        let typical = self.rows - self.rows / 100;
        let mut below = 0;
        let last = self.buckets.iter().position(|group| {
            below += group.count;
            below >= typical
        });
        let from = bucket(lower_bound(last.unwrap_or_default() + 1) * TIMES);
        extreme.limit = lower_bound(from);
        for group in self.buckets.get(from..).unwrap_or_default() {
            extreme.count += group.count;
            extreme.spots.extend(group.spots.iter().cloned());
        }
        extreme.spots.sort_unstable_by_key(|spot| spot.row);
        extreme.spots.truncate(kept);
        extreme
    }
}

/// Bucket of a length: its leading `STEP_BITS` bits and its exponent.
fn bucket(bytes: u64) -> usize {
    let behind = bytes.max(1).ilog2().saturating_sub(STEP_BITS);
    let lead = bytes >> behind;
    usize::try_from((u64::from(behind) << STEP_BITS) + lead).unwrap_or(usize::MAX)
}

/// Least length of a bucket.
fn lower_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let step = 1 << STEP_BITS;
    if bucket < 2 * step {
        bucket
    } else {
        (step + bucket % step) << (bucket / step - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_buckets_have_exact_lower_bounds() {
        for n in 0..400 {
            let start = lower_bound(n);
            assert_eq!(bucket(start), n);
            assert!(start == 0 || bucket(start - 1) == n - 1);
        }
    }
}
