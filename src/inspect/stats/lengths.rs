//! How long texts or arrays are.

use crate::inspect::stats::report::Bin;
use crate::inspect::stats::report::LengthStats;
use crate::inspect::stats::report::Quantile;
use crate::inspect::stats::sketches::ddsketch::Bucket;
use crate::inspect::stats::sketches::ddsketch::Quantiles;
use crate::inspect::stats::sketches::ddsketch::quantile;

/// Figures of lengths; the same in whatever order and parts they come.
#[derive(Clone, Debug, Default)]
pub(in crate::inspect) struct Lengths {
    range: Option<(u64, u64)>,
    sum: u64,
    spread: Quantiles,
}

impl Lengths {
    /// Adds a length.
    #[inline]
    pub(in crate::inspect) fn add(&mut self, length: u64) {
        self.widen(length, length);
        self.sum = self.sum.saturating_add(length);
        self.spread.add(length as f64);
    }

    /// Adds all that was added to another.
    pub(super) fn merge(&mut self, other: &Self) {
        if let Some((least, greatest)) = other.range {
            self.widen(least, greatest);
        }
        self.sum = self.sum.saturating_add(other.sum);
        self.spread.merge(&other.spread);
    }

    /// What they come to, with the quantiles of these shares; none where there are none.
    pub(in crate::inspect) fn stats(&self, shares: &[f64]) -> Option<LengthStats> {
        let (min, max) = self.range?;
        let sorted = self.spread.sorted();
        let count = self.spread.count();
        Some(LengthStats {
            count,
            min,
            max,
            sum: self.sum,
            mean: self.sum as f64 / count as f64,
            quantiles: quantiles(&sorted, shares),
            quantile_error: self.spread.error(),
            histogram: doubling_bins(sorted),
        })
    }

    /// All of them together.
    #[cfg(feature = "tokens")]
    pub(in crate::inspect) fn sum(&self) -> u64 {
        self.sum
    }

    fn widen(&mut self, least: u64, greatest: u64) {
        let (a, b) = self.range.unwrap_or((least, greatest));
        self.range = Some((a.min(least), b.max(greatest)));
    }
}

/// The quantiles of these shares, from the buckets in order.
pub(super) fn quantiles(sorted: &[Bucket], shares: &[f64]) -> Vec<Quantile> {
    let all = shares.iter().filter_map(|share| {
        let value = quantile(sorted, *share)?;
        Some(Quantile {
            share: *share,
            value,
        })
    });
    all.collect()
}

/// One bin for 0, and one from every power of two to the next. Buckets never reach over a power.
fn doubling_bins(sorted: Vec<Bucket>) -> Vec<Bin> {
    let mut bins: Vec<Bin> = Vec::new();
    for bucket in sorted {
        let from = match bucket.min {
            x if x < 1.0 => 0.0,
            x => x.log2().floor().exp2(),
        };
        match bins.last_mut() {
            Some(bin) if bin.from == from => bin.count += bucket.count,
            _ => bins.push(Bin {
                from,
                to: if from == 0.0 { 1.0 } else { from * 2.0 },
                count: bucket.count,
            }),
        }
    }
    with_empty(bins)
}

/// The same with the bins between them in which there is nothing.
fn with_empty(bins: Vec<Bin>) -> Vec<Bin> {
    let mut all: Vec<Bin> = Vec::new();
    for bin in bins {
        while let Some(last) = all.last().filter(|last| last.to < bin.from).copied() {
            all.push(Bin {
                from: last.to,
                to: last.to * 2.0,
                count: 0,
            });
        }
        all.push(bin);
    }
    all
}
