//! Helpers of the unit tests.

/// The random generator of the tests. A seed gives the same numbers everywhere, so that a failure can
/// be repeated.
pub(crate) use crate::protocol::Random;

/// Brings things into a random order.
pub(crate) fn shuffle<T>(random: &mut Random, items: &mut [T]) {
    for n in (1..items.len()).rev() {
        items.swap(n, random.index(n + 1));
    }
}
