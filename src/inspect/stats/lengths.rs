//! How long texts or arrays are.

use crate::inspect::stats::quantiles::Quantiles;

/// Figures of lengths; the same in whatever order and parts they come.
#[derive(Clone, Debug, Default)]
pub(super) struct Lengths {
    pub(super) range: Option<(u64, u64)>,
    pub(super) sum: u64,
    pub(super) spread: Quantiles,
}

impl Lengths {
    /// Adds a length.
    #[inline]
    pub(super) fn add(&mut self, length: u64) {
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

    fn widen(&mut self, least: u64, greatest: u64) {
        let (a, b) = self.range.unwrap_or((least, greatest));
        self.range = Some((a.min(least), b.max(greatest)));
    }
}
