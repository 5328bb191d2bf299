//! How many elements differ, told from symbols that do not suffice to say which.
//!
//! In the symbol at `i`, each of the `d` elements that differ is with some probability `p`, and
//! counts 1 or -1 by its side. So the count has the mean `p·b`, where `b` is by how much one
//! set is larger, and the variance `d·p·(1-p)`: every count is a measurement of `d`, and none is
//! too full for it (the sketch of Alon, Matias and Szegedy 1996, over the symbols that are there).

use crate::protocol::reconcile::mapping::Odds;
use crate::protocol::reconcile::symbol::Symbol;

/// Measures how much differs.
#[derive(Clone, Debug, Default)]
pub(in crate::protocol::reconcile) struct Estimate {
    odds: Odds,
    sum: f64,
    measured: u64,
}

impl Estimate {
    /// Takes the next differences of symbols; the peer's set is larger by `more`.
    pub(in crate::protocol::reconcile) fn take(&mut self, symbols: &[Symbol], more: i64) {
        for symbol in symbols {
            let p = self.odds.next();
            // All of the difference is in the first one: it says `more` again.
            if p >= 1.0 {
                continue;
            }
            let off = symbol.count as f64 - p * more as f64;
            self.sum += off * off / (p * (1.0 - p));
            self.measured += 1;
        }
    }

    /// About how many elements differ. A peer may make this anything, so it is a hint.
    pub(in crate::protocol::reconcile) fn difference(&self) -> f64 {
        self.sum / self.measured.max(1) as f64
    }

    /// How far off that may be, as a part of it: three times the deviation that `n` measurements of
    /// a variance have.
    pub(in crate::protocol::reconcile) fn spread(&self) -> f64 {
        3.0 * (2.0 / self.measured.max(1) as f64).sqrt()
    }
}
