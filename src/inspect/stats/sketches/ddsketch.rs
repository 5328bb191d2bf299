//! Quantiles of numbers, in bounded memory, the same in whatever order and parts numbers come.
//!
//! Numbers are counted in buckets whose width is a share of their value, so that ranks are exact
//! and values have a bounded relative error: `DDSketch` (Masson, Rim, Lee: "DDSketch: a fast and
//! fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019). The buckets are cut
//! by the first bits of a double. When there are too many, every two neighbours become one, as in
//! `UDDSketch` (Epicoco et al., 2020); how often that happens depends on the set of the numbers
//! alone. Each bucket knows its least and greatest number, so that few different numbers are told
//! exactly.

use std::collections::HashMap;

use crate::inspect::stats::sketches::hash::ByHash;

/// Bits of a double's fraction that tell buckets apart, at first.
const FRACTION_BITS: u32 = 10;
/// Buckets of one sketch.
const BUCKETS_MAX: usize = 4096;

/// Counts of numbers by bucket.
#[derive(Clone, Debug, Default)]
pub(in crate::inspect::stats) struct Quantiles {
    buckets: HashMap<i32, Bucket, ByHash>,
    /// How often buckets were joined.
    joined: u32,
    count: u64,
}

/// Numbers that are close to each other.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect::stats) struct Bucket {
    pub(in crate::inspect::stats) count: u64,
    pub(in crate::inspect::stats) min: f64,
    pub(in crate::inspect::stats) max: f64,
}

impl Quantiles {
    /// Adds a number, which is finite.
    #[inline]
    pub(in crate::inspect::stats) fn add(&mut self, number: f64) {
        let one = Bucket {
            count: 1,
            min: number,
            max: number,
        };
        self.put(bucket_of(number, self.joined), &one);
    }

    /// Adds all that was added to another.
    pub(in crate::inspect::stats) fn merge(&mut self, other: &Self) {
        while self.joined < other.joined {
            self.join();
        }
        for (at, bucket) in &other.buckets {
            // More may be joined on the way.
            self.put(joined(*at, self.joined - other.joined), bucket);
        }
    }

    /// How many numbers were added.
    pub(in crate::inspect::stats) fn count(&self) -> u64 {
        self.count
    }

    /// What a quantile may differ from the true one, as a share of that.
    pub(in crate::inspect::stats) fn error(&self) -> f64 {
        0.5_f64.powi((FRACTION_BITS.saturating_sub(self.joined)) as i32)
    }

    /// The buckets, from the least number on.
    pub(in crate::inspect::stats) fn sorted(&self) -> Vec<Bucket> {
        let mut all: Vec<_> = self.buckets.iter().map(|(at, b)| (*at, *b)).collect();
        all.sort_unstable_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, b)| b).collect()
    }

    #[inline]
    fn put(&mut self, at: i32, numbers: &Bucket) {
        self.count += numbers.count;
        let found = self.buckets.entry(at).or_insert(Bucket {
            count: 0,
            ..*numbers
        });
        found.add(numbers);
        while self.buckets.len() > BUCKETS_MAX && self.joined < FRACTION_BITS {
            self.join();
        }
    }

    fn join(&mut self) {
        self.joined += 1;
        let fine = std::mem::take(&mut self.buckets);
        for (at, bucket) in fine {
            let whole = self
                .buckets
                .entry(joined(at, 1))
                .or_insert(Bucket { count: 0, ..bucket });
            whole.add(&bucket);
        }
    }
}

impl Bucket {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

/// The number that has a share of all others before it, from the buckets in order: of `n` numbers
/// that of rank `share * (n - 1)`, rounded down.
pub(in crate::inspect::stats) fn quantile(sorted: &[Bucket], share: f64) -> Option<f64> {
    let count: u64 = sorted.iter().map(|b| b.count).sum();
    let mut rank = (share.clamp(0.0, 1.0) * count.checked_sub(1)? as f64) as u64;
    for bucket in sorted {
        if rank < bucket.count {
            let inside = match bucket.count {
                1 => 0.0,
                n => rank as f64 / (n - 1) as f64,
            };
            let value = bucket.min + (bucket.max - bucket.min) * inside;
            return Some(value.clamp(bucket.min, bucket.max));
        }
        rank -= bucket.count;
    }
    sorted.last().map(|b| b.max)
}

/// The number of the bucket, in the order of the numbers; 0 has one of its own.
#[inline]
fn bucket_of(number: f64, times: u32) -> i32 {
    let bits = number.abs().to_bits();
    if bits == 0 {
        return 0;
    }
    let bucket = joined((bits >> (52 - FRACTION_BITS)) as i32 + 1, times);
    if number < 0.0 { -bucket } else { bucket }
}

/// The bucket that it became part of. The buckets next to 0 stay apart from it.
#[inline]
fn joined(at: i32, times: u32) -> i32 {
    match at {
        0 => 0,
        1.. => ((at - 1) >> times) + 1,
        _ => -(((-at - 1) >> times) + 1),
    }
}
