//! Mean and standard deviation.
//!
//! Welford's method, and for two parts the formula of Chan, Golub and LeVeque ("Updating formulae
//! and a pairwise algorithm for computing sample variances", 1979): no difference of large sums.

/// What is known of numbers for their mean and standard deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::inspect::stats) struct Moments {
    pub(in crate::inspect::stats) count: u64,
    mean: f64,
    /// Sum of the squared differences from the mean.
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

    /// Adds all that was added to another.
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

    /// The mean, where there is a number, and none so large that it cannot be had.
    pub(in crate::inspect::stats) fn mean(&self) -> Option<f64> {
        Some(self.mean).filter(|m| self.count > 0 && m.is_finite())
    }

    /// The standard deviation of a sample: the root of the sum of squares by one less than the
    /// count. None for fewer than two numbers.
    pub(in crate::inspect::stats) fn deviation(&self) -> Option<f64> {
        let less = self.count.checked_sub(1).filter(|n| *n > 0)?;
        Some((self.squares / less as f64).sqrt()).filter(|d| d.is_finite())
    }
}
