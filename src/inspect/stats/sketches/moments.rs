//! Mean and standard deviation in one pass.
//!
//! Welford's method, with the formula of Chan, Golub and LeVeque for merging ("Updating formulae
//! and a pairwise algorithm for computing sample variances", 1979). It avoids differences of large
//! sums.

/// Accumulator of the mean and the standard deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::inspect::stats) struct Moments {
    pub(in crate::inspect::stats) count: u64,
    mean: f64,
    /// Sum of the squared deviations from the mean.
    squares: f64,
}

impl Moments {
    /// Adds a number.
    #[inline]
    pub(in crate::inspect::stats) fn add(&mut self, number: f64) {
        self.count += 1;
        let from_old = number - self.mean;
        self.mean += from_old / self.count as f64;
        self.squares += from_old * (number - self.mean);
    }

    /// Merges another accumulator.
    pub(in crate::inspect::stats) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let count = self.count + other.count;
        let apart = other.mean - self.mean;
        let share = other.count as f64 / count as f64;
        self.mean += apart * share;
        self.squares += other.squares + apart * apart * self.count as f64 * share;
        self.count = count;
    }

    /// Returns the mean; `None` without numbers, or if it exceeds the range of doubles.
    pub(in crate::inspect::stats) fn mean(&self) -> Option<f64> {
        Some(self.mean).filter(|m| self.count > 0 && m.is_finite())
    }

    /// Returns the sample standard deviation: the root of the sum of squares divided by the count
    /// less one. Returns `None` for fewer than two numbers.
    pub(in crate::inspect::stats) fn deviation(&self) -> Option<f64> {
        let less = self.count.checked_sub(1).filter(|n| *n > 0)?;
        Some((self.squares / less as f64).sqrt()).filter(|d| d.is_finite())
    }
}
