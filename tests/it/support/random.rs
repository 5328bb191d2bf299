//! The random generator of the tests. A seed gives the same numbers everywhere, so that a failure can
//! be repeated.

pub use alimentar::protocol::Random;

/// Random bytes.
pub fn random_bytes(random: &mut Random, count: usize) -> Vec<u8> {
    (0..count).map(|_| random.below(256) as u8).collect()
}
