//! Token counts of short pieces, most of which come again.

use crate::splitmix::mix;

/// A cache of counts, where a piece has one place: another piece of that place replaces it. No text
/// can make it slow.
pub(super) struct KnownCounts {
    /// The piece in each place, as [`key_of`] packs it; 0 in an empty place.
    keys: Vec<u128>,
    counts: Vec<u8>,
}

/// Number of places, a power of two. Those of common words fit into a core's cache.
const PLACES: usize = 1 << 16;

impl KnownCounts {
    pub(super) fn new() -> Self {
        Self {
            keys: vec![0; PLACES],
            counts: vec![0; PLACES],
        }
    }

    /// Returns the count of a piece: the known one, or that of `count`, which is at most the number of
    /// the piece's bytes.
    pub(super) fn count(&mut self, piece: &[u8], count: impl FnOnce() -> usize) -> usize {
        let Some(key) = key_of(piece) else {
            return count();
        };
        let place = place_of(key);
        let (Some(known), Some(kept)) = (self.keys.get_mut(place), self.counts.get_mut(place))
        else {
            return count();
        };
        if *known != key {
            *kept = count() as u8;
            *known = key;
        }
        usize::from(*kept)
    }
}

/// Packs a piece of fewer than 16 bytes with its length; `None` for the empty piece and longer ones.
fn key_of(piece: &[u8]) -> Option<u128> {
    let mut key = [0; 16];
    let (length, room) = key.split_last_mut()?;
    room.get_mut(..piece.len())?.copy_from_slice(piece);
    *length = piece.len() as u8;
    Some(u128::from_le_bytes(key)).filter(|key| *key != 0)
}

fn place_of(key: u128) -> usize {
    let (low, high) = (key as u64, (key >> 64) as u64);
    mix(low ^ high.rotate_left(29)) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_of_piece_whose_place_was_taken_is_computed_again() {
        let pieces = (0..PLACES as u32 * 2).map(u32::to_le_bytes);
        let (first, second) = pieces
            .clone()
            .skip(1)
            .map(|second| (0_u32.to_le_bytes(), second))
            .find(|(first, second)| {
                place_of(key_of(first).unwrap()) == place_of(key_of(second).unwrap())
            })
            .unwrap();
        let mut known = KnownCounts::new();
        let mut computed = 0;
        let mut count = |piece: &[u8], is| {
            known.count(piece, || {
                computed += 1;
                is
            })
        };
        assert_eq!(count(&first, 3), 3);
        assert_eq!(count(&first, 9), 3);
        assert_eq!(count(&second, 4), 4);
        assert_eq!(count(&first, 3), 3);
        assert_eq!(computed, 3);
    }

    #[test]
    fn pieces_of_equal_bytes_and_other_length_have_other_keys() {
        let keys = [&b"a"[..], b"a\0", b"\0", b"\0\0"].map(key_of);
        for (at, key) in keys.iter().enumerate() {
            assert!(key.is_some());
            assert_eq!(keys.iter().position(|other| other == key), Some(at));
        }
        assert_eq!(key_of(b""), None);
        assert_eq!(key_of(b"sixteen-bytes-xx"), None);
    }
}
