//! How long rows are, in buckets of an eighth of each power of two.

use crate::inspect::lint::checks::columns::ColumnNote;
use crate::inspect::lint::checks::columns::Group;

/// Buckets in each power of two, as bits.
const STEP_BITS: u32 = 3;
/// Rows that there must be to call one extreme.
const ROWS_MIN: u64 = 100;
/// How many times as long as the 99th of a hundred an extreme row is.
const TIMES: u64 = 8;

/// Rows by length.
#[derive(Debug, Default)]
pub(in crate::inspect::lint) struct Lengths {
    buckets: Vec<Group>,
    rows: u64,
}

/// Rows that are too long.
#[derive(Debug, Default)]
pub(in crate::inspect::lint) struct Extreme {
    /// How many.
    pub(in crate::inspect::lint) count: u64,
    /// Bytes from which on one is.
    pub(in crate::inspect::lint) limit: u64,
    /// The first of them. `at` is the length.
    pub(in crate::inspect::lint) spots: Vec<ColumnNote>,
}

impl Lengths {
    pub(in crate::inspect::lint) fn add(&mut self, row: u64, bytes: usize, kept: usize) {
        self.rows += 1;
        let bucket = bucket(bytes as u64);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, Group::default());
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
        self.buckets.resize(buckets, Group::default());
        for (own, later) in self.buckets.iter_mut().zip(later.buckets) {
            own.append(later, first, kept);
        }
    }

    /// Rows that are far longer than the rest. The limit is where a bucket begins, so that the
    /// count is exact.
    pub(in crate::inspect::lint) fn extreme(&self, kept: usize) -> Extreme {
        let mut extreme = Extreme::default();
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

/// The bucket of a length: its leading digit of `STEP_BITS` and how many bits are behind that.
fn bucket(bytes: u64) -> usize {
    let behind = bytes.max(1).ilog2().saturating_sub(STEP_BITS);
    let lead = bytes >> behind;
    usize::try_from((u64::from(behind) << STEP_BITS) + lead).unwrap_or(usize::MAX)
}

/// The least length of a bucket.
fn lower_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let step = 1 << STEP_BITS;
    match bucket < 2 * step {
        true => bucket,
        false => (step + bucket % step) << (bucket / step - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_begin_where_they_say() {
        for n in 0..400 {
            let start = lower_bound(n);
            assert_eq!(bucket(start), n);
            assert!(start == 0 || bucket(start - 1) == n - 1);
        }
    }
}
