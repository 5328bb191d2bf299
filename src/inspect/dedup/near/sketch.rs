//! Similarity sketches: the fraction of equal positions in two sketches estimates the Jaccard
//! similarity of the sets.
//!
//! The method is Fast Similarity Sketching (Dahlgaard, Knudsen and Thorup, FOCS 2017). In each
//! round every element falls into one position, and the least stays there. Rounds go on until every
//! position is filled; a filled position never changes in a later round. A set of n elements costs
//! about n + t ln t hashes for t positions instead of n times t. Positions agree with a probability
//! equal to the Jaccard similarity, concentrated as with t independent hashes.

use crate::splitmix::mix;

/// Number of positions in a sketch, also known as permutations.
pub const SKETCH_PLACES: usize = 128;

/// A sketch: each position holds the round that filled it above its least hash.
pub type Sketch = [u64; SKETCH_PLACES];

/// Returns the sketch of elements, which may repeat; `None` without elements.
pub fn sketch(elements: &[u32]) -> Option<Sketch> {
    if elements.is_empty() {
        return None;
    }
    let mut places = [u64::MAX; SKETCH_PLACES];
    let mut left = SKETCH_PLACES;
    // After the first `SKETCH_PLACES` rounds each position has a round of its own, so all positions
    // get filled.
    for round in 0..2 * SKETCH_PLACES {
        // The elements are hashes, so one odd factor per round mixes them well.
        let factor = mix(round as u64 + 1) | 1;
        let own = round.checked_sub(SKETCH_PLACES);
        for element in elements {
            let hash = (u64::from(*element) | 1 << 32).wrapping_mul(factor);
            let at = own.unwrap_or((hash >> 57) as usize % SKETCH_PLACES);
            let value = (round as u64) << 32 | (hash >> 25) & 0xffff_ffff;
            if let Some(place) = places.get_mut(at) {
                left -= usize::from(*place == u64::MAX);
                *place = value.min(*place);
            }
        }
        if left == 0 {
            break;
        }
    }
    Some(places)
}

/// Division of a sketch into bands. Two rows become a candidate pair if all positions of a band
/// agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bands {
    /// Number of bands.
    pub bands: usize,
    /// Positions per band.
    pub places: usize,
}

impl Bands {
    /// Returns the widest bands that find a pair at the threshold with a probability of at least
    /// 0.85. More similar pairs are found with higher probability.
    pub fn for_threshold(threshold: f64) -> Self {
        let of = |places: usize| Self {
            bands: SKETCH_PLACES / places,
            places,
        };
        let found = (1..=16).rev().map(of).find(|bands| {
            let agree = threshold.powi(i32::try_from(bands.places).unwrap_or(1));
            let misses = (1.0 - agree).powi(i32::try_from(bands.bands).unwrap_or(1));
            misses <= 0.15
        });
        found.unwrap_or(of(1))
    }

    /// Returns the hash of each band of a sketch.
    pub fn hashes(self, sketch: &Sketch) -> impl Iterator<Item = u32> {
        let bands = sketch.chunks_exact(self.places);
        bands.map(|band| {
            let hash = band
                .iter()
                .fold(0_u64, |all, v| mix(all ^ v).rotate_left(7));
            (mix(hash) >> 32) as u32
        })
    }
}
