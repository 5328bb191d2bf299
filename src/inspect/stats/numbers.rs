//! What is known of the numbers of a column.

use std::cmp::Ordering;

use crate::inspect::json::Number as Written;
use crate::inspect::stats::report::Number;
use crate::inspect::stats::report::TypeCounts;
use crate::inspect::stats::sketches::ddsketch::Quantiles;

/// Figures of numbers; the same in whatever order and parts they come.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    pub(super) range: Option<(Number, Number)>,
    /// Of those that are whole.
    pub(super) sum: i128,
    pub(super) beyond: u64,
    pub(super) spread: Quantiles,
}

impl Numbers {
    /// Adds a number and counts its type; none where it is beyond all doubles.
    #[inline]
    pub(super) fn add(&mut self, written: &Written<'_>, types: &mut TypeCounts) -> Option<Number> {
        let number = read(written);
        match number {
            Some(Number::Int(n)) => {
                types.int += 1;
                self.sum = self.sum.saturating_add(n);
            }
            Some(Number::Float(_)) => types.float += 1,
            None => {
                types.float += 1;
                match written.raw {
                    b"NaN" => types.nan += 1,
                    b"Infinity" | b"-Infinity" => types.infinite += 1,
                    _ => self.beyond += 1,
                }
            }
        }
        let number = number?;
        self.widen(number, number);
        self.spread.add(number.to_f64());
        Some(number)
    }

    /// Adds all that was added to another.
    pub(super) fn merge(&mut self, other: &Self) {
        if let Some((least, greatest)) = other.range {
            self.widen(least, greatest);
        }
        self.sum = self.sum.saturating_add(other.sum);
        self.beyond += other.beyond;
        self.spread.merge(&other.spread);
    }

    #[inline]
    fn widen(&mut self, least: Number, greatest: Number) {
        let (mut a, mut b) = self.range.unwrap_or((least, greatest));
        if least.compare(&a) == Ordering::Less {
            a = least;
        }
        if greatest.compare(&b) == Ordering::Greater {
            b = greatest;
        }
        self.range = Some((a, b));
    }
}

/// What is written: as it is where that is a whole number of 64 bits, else the nearest double. None
/// beyond all of them.
fn read(written: &Written<'_>) -> Option<Number> {
    let text = std::str::from_utf8(written.raw).ok()?;
    // `-0` is a number that integers have not.
    if written.is_integer && text != "-0" {
        if let Ok(n) = text.parse::<i64>() {
            return Some(Number::Int(i128::from(n)));
        }
        if let Ok(n) = text.parse::<u64>() {
            return Some(Number::Int(i128::from(n)));
        }
    }
    let float: f64 = text.parse().ok()?;
    float.is_finite().then_some(Number::Float(float))
}
