//! Difference estimate: the number of different elements, from symbols that do not suffice
//! to decode them.
//!
//! Each of the `d` different elements is in the symbol at `i` with a probability `p`, and counts 1 or -1
//! by its side. So the count has the mean `p·b`, where `b` is the surplus of one set, and the variance
//! `d·p·(1-p)`. Every count is a measurement of `d`, and none saturates (the sketch of Alon, Matias and
//! Szegedy 1996, over the present symbols).

use crate::protocol::reconcile::mapping::IndexOdds;
use crate::protocol::reconcile::symbol::Symbol;

/// An estimate of the size of the difference.
#[derive(Clone, Debug, Default)]
pub(in crate::protocol::reconcile) struct Estimate {
    odds: IndexOdds,
    sum: f64,
    measured: u64,
}

impl Estimate {
    /// Adds the next differences of symbols. The peer's set is larger by `more`.
    pub(in crate::protocol::reconcile) fn take(&mut self, symbols: &[Symbol], more: i64) {
        for symbol in symbols {
            let p = self.odds.next();
            // The first symbol holds the whole difference: it says `more` again.
            if p >= 1.0 {
                continue;
            }
            let off = symbol.count as f64 - p * more as f64;
            self.sum += off * off / (p * (1.0 - p));
            self.measured += 1;
        }
    }

    /// Returns the estimated number of different elements. It is a hint, because a peer can
    /// make it anything.
    pub(in crate::protocol::reconcile) fn difference(&self) -> f64 {
        self.sum / self.measured.max(1) as f64
    }

    /// Returns the estimate's relative error: three standard deviations of a variance
    /// from `n` measurements.
    pub(in crate::protocol::reconcile) fn spread(&self) -> f64 {
        3.0 * (2.0 / self.measured.max(1) as f64).sqrt()
    }
}
