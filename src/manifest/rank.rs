//! Which of several states of a register counts: one total order, the same on every node and in
//! every order of arrival.

use crate::ident::EnvelopeId;
use crate::manifest::model::Manifest;

/// A state's place in the order; the greatest counts.
///
/// The sum of a clock's entries grows whenever one clock dominates another, so the order contains
/// the causal one; what is concurrent is decided by the envelope's hash. The time that a manifest claims
/// plays no part: a machine whose clock is ahead would win against everybody's edits.
/// The greatest of a set does not depend on how it was gathered: taking the greater of two is
/// commutative, associative and idempotent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    edits: u128,
    envelope: EnvelopeId,
}

impl Rank {
    /// The rank of a manifest in its envelope.
    pub fn of(manifest: &Manifest, envelope: EnvelopeId) -> Self {
        Self {
            // At most CLOCK_ENTRIES_MAX entries of 64 bits.
            edits: manifest.clock.values().map(|n| u128::from(*n)).sum(),
            envelope,
        }
    }
}
