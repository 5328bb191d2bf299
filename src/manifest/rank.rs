//! Rank of register states: a total order that decides which state is current. It is the same on every
//! node and in every order of arrival.

use crate::ident::EnvelopeId;
use crate::manifest::model::Manifest;

/// The position of a state in the order. The state with the greatest rank is current.
///
/// The sum of a clock's entries grows whenever one clock dominates another, so the order contains the
/// causal one. The envelope's hash decides between concurrent states. The time in a manifest plays no
/// part, because a machine with a fast clock would win against all edits. Taking the greater of two is
/// commutative, associative and idempotent, so the order of arrival does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    edits: u128,
    envelope: EnvelopeId,
}

impl Rank {
    /// Returns the rank of a manifest in its envelope.
    pub fn of(manifest: &Manifest, envelope: EnvelopeId) -> Self {
        Self {
            // At most CLOCK_ENTRIES_MAX entries of 64 bits.
            edits: manifest.clock.values().map(|n| u128::from(*n)).sum(),
            envelope,
        }
    }
}
