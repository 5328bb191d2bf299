//! Element mapping: an element goes into the first symbol, and into the one at `i` with a probability of
//! about `1 / (1 + i/2)` (Yang, Gilad and Alizadeh 2024, section 4.2).

use crate::protocol::messages::element::Element;
use crate::protocol::reconcile::keys::Keys;
use crate::protocol::reconcile::keys::mix;

/// An endless iterator over the indexes of an element's symbols, ascending.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    element: u64,
    state: u64,
    index: u64,
}

/// Gaps from here on count as infinite, because no index is that large.
const GAP_MAX: f64 = 4_294_967_296.0;
/// The step of the random number, 2^-53.
const UNIT: f64 = 1.0 / 9_007_199_254_740_992.0;

impl Mapping {
    /// Starts at the first symbol, which holds every element.
    pub fn new(keys: &Keys, element: Element) -> Self {
        let element = u64::from_le_bytes(element.0);
        Self {
            element,
            state: keys.seed(element),
            index: 0,
        }
    }

    /// Returns the element.
    pub fn element(&self) -> Element {
        Element(self.element.to_le_bytes())
    }

    /// Returns the current index; `u64::MAX` beyond every possible symbol.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Advances to the next index. IEEE 754 rounds the used operations on `f64` in exactly one way, so
    /// every machine gets the same result.
    pub fn advance(&mut self) {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        // In (0, 1], in steps of 2^-53; exact.
        let u = ((mix(self.state) >> 11) + 1) as f64 * UNIT;
        let gap = ((self.index as f64 + 1.5) * (1.0 / u.sqrt() - 1.0)).ceil();
        self.index = if gap < GAP_MAX {
            self.index.saturating_add((gap as u64).max(1))
        } else {
            u64::MAX
        };
    }
}

/// The probability that an element is in the symbol at 0, 1, 2 and so on. It is exact, where `1 / (1 +
/// i/2)` is up to a twentieth off.
///
/// The gap behind `i` is more than `x` with the probability `((i + 1.5) / (i + 1.5 + x))^2`. So the
/// probability of `j`, over all indexes that may come before it, is a sum from which a factor in `j` can
/// be taken out.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::protocol::reconcile) struct IndexOdds {
    index: u64,
    /// The sum, over all earlier indexes, of the probability times the square of `i + 1.5`.
    weight: f64,
}

impl IndexOdds {
    pub(in crate::protocol::reconcile) fn next(&mut self) -> f64 {
        let after = self.index as f64 + 1.5;
        let before = after - 1.0;
        let odds = match self.index {
            0 => 1.0,
            _ => self.weight * (1.0 / (before * before) - 1.0 / (after * after)),
        };
        self.weight += odds * after * after;
        self.index += 1;
        odds
    }
}
