//! Sketches of sets, of which the same places agree as often as the sets are alike.
//!
//! The method is Fast Similarity Sketching (Dahlgaard, Knudsen and Thorup, FOCS 2017): in each round
//! every element falls into one place, where the least stays; rounds go on until every place is
//! taken, and a place that an earlier round filled is not touched by later ones. A set of n elements
//! costs about n + t ln t hashes for t places instead of n times t, and places agree with the
//! probability of the Jaccard similarity, concentrated as with t independent hashes.

use crate::splitmix::mix;

/// Places of a sketch: what others call permutations.
pub const SKETCH_PLACES: usize = 128;

/// A sketch: in each place the round in which it was filled, above the least hash of it.
pub type Sketch = [u64; SKETCH_PLACES];

/// The sketch of elements, of which some may be the same; `None` where there are none.
pub fn sketch(elements: &[u32]) -> Option<Sketch> {
    if elements.is_empty() {
        return None;
    }
    let mut places = [u64::MAX; SKETCH_PLACES];
    let mut left = SKETCH_PLACES;
    // After as many rounds again every place has had a round of its own, and all are taken.
    for round in 0..2 * SKETCH_PLACES {
        // Elements are hashes already, so one odd factor for a round shuffles them well.
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

/// How a sketch is cut into bands: rows are compared where all of a band agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bands {
    /// How many there are.
    pub bands: usize,
    /// Places of each.
    pub places: usize,
}

impl Bands {
    /// The widest bands with which a pair as alike as the threshold agrees in one of them with
    /// a probability of at least 0.85. Pairs that are more alike are found more surely.
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

    /// The hash of each band of a sketch.
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
