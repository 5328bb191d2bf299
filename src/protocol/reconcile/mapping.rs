//! Which symbols an element goes into: the first, and the one at `i` with a probability of about
//! `1 / (1 + i/2)` (Yang, Gilad and Alizadeh 2024, section 4.2).

use crate::protocol::messages::element::Element;
use crate::protocol::reconcile::keys::Keys;
use crate::protocol::reconcile::keys::mix;

/// Walks the indexes of an element's symbols, ascending. It has no end.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    element: u64,
    state: u64,
    index: u64,
}

/// A gap from here on is taken for none: no index is ever that large.
const GAP_MAX: f64 = 4_294_967_296.0;
/// 2^-53.
const UNIT: f64 = 1.0 / 9_007_199_254_740_992.0;

impl Mapping {
    /// At the first symbol, into which every element goes.
    pub fn new(keys: &Keys, element: Element) -> Self {
        let element = u64::from_le_bytes(element.0);
        Self {
            element,
            state: keys.seed(element),
            index: 0,
        }
    }

    /// The element.
    pub fn element(&self) -> Element {
        Element(self.element.to_le_bytes())
    }

    /// Where it is; `u64::MAX` beyond every symbol there can be.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Goes to the next index. The operations on `f64` are those that IEEE 754 rounds in one way
    /// only, so that every machine goes the same way.
    pub fn advance(&mut self) {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        // Of (0, 1], in steps of 2^-53; exact.
        let u = ((mix(self.state) >> 11) + 1) as f64 * UNIT;
        let gap = ((self.index as f64 + 1.5) * (1.0 / u.sqrt() - 1.0)).ceil();
        self.index = match gap < GAP_MAX {
            true => self.index.saturating_add((gap as u64).max(1)),
            false => u64::MAX,
        };
    }
}

/// How likely an element is in the symbol at 0, 1, 2 and so on: exactly, where `1 / (1 + i/2)` is
/// up to a twentieth off.
///
/// The gap behind `i` is more than `x` with the probability `((i + 1.5) / (i + 1.5 + x))^2`. So the
/// probability of `j`, over all indexes that may come before it, is a sum in which `j` can be
/// put outside the brackets.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::protocol::reconcile) struct Odds {
    index: u64,
    /// Over all indexes before, the probability times the square of `i + 1.5`.
    weight: f64,
}

impl Odds {
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
