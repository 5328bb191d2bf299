//! A bucket of four fingerprints, and the number that stands for it.

use crate::wire::DecodeError;

/// Fingerprints are 1 to this: the most with which a bucket's number fits [`BUCKET_BYTES`].
pub(in crate::protocol::filter) const FINGERPRINTS: u16 = 2266;
/// Bytes of a bucket's number.
pub(in crate::protocol::filter) const BUCKET_BYTES: usize = 5;
/// Fingerprints that a bucket holds.
pub(in crate::protocol::filter) const SLOTS: usize = 4;

/// Up to four fingerprints; 0 is a free slot. Two buckets are compared by their slots: one that
/// is [sorted](Self::sorted) is a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::protocol::filter) struct Bucket(pub(in crate::protocol::filter) [u16; SLOTS]);

impl Bucket {
    /// Whether a fingerprint is in it.
    pub(in crate::protocol::filter) fn holds(&self, fingerprint: u16) -> bool {
        self.0.contains(&fingerprint)
    }

    /// How many fingerprints are in it.
    pub(in crate::protocol::filter) fn len(&self) -> usize {
        self.0.iter().filter(|f| **f != 0).count()
    }

    /// Free slots first, then the fingerprints, ascending.
    pub(in crate::protocol::filter) fn sorted(mut self) -> Self {
        self.0.sort_unstable();
        self
    }

    /// Its place among all sets of at most four fingerprints, smaller ones first and those of a
    /// size by their largest members (the combinatorial number system: Knuth, TAOCP 4A, 7.2.1.3).
    /// It must be sorted.
    pub(in crate::protocol::filter) fn number(&self) -> u64 {
        let members = self.0.iter().filter(|f| **f != 0);
        let places = (1..).zip(members);
        let rank: u64 = places.map(|(j, f)| choose(u64::from(*f) - 1, j)).sum();
        smaller_sets(self.len()) + rank
    }

    /// The bucket of a number, sorted.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] when there are not so many sets.
    pub(in crate::protocol::filter) fn of_number(number: u64) -> Result<Self, DecodeError> {
        if number >= smaller_sets(SLOTS + 1) {
            return Err(DecodeError::Invalid("bucket"));
        }
        let mut size = 0;
        while number >= smaller_sets(size + 1) {
            size += 1;
        }
        let mut rest = number - smaller_sets(size);
        let mut bucket = Self::default();
        let members = bucket.0.iter_mut().rev();
        for (slot, j) in members.zip((1..=size as u64).rev()) {
            let below = most_below(rest, j);
            rest -= choose(below, j);
            *slot = below as u16 + 1;
        }
        Ok(bucket)
    }
}

/// In how many ways `k` of `n` are taken; `k` is at most four.
fn choose(n: u64, k: u64) -> u64 {
    let (a, b, c) = (
        n.saturating_sub(1),
        n.saturating_sub(2),
        n.saturating_sub(3),
    );
    match k {
        0 => 1,
        1 => n,
        2 => n * a / 2,
        3 => n * a * b / 6,
        _ => n * a * b * c / 24,
    }
}

/// How many sets have fewer than `size` members.
fn smaller_sets(size: usize) -> u64 {
    let sizes = 0..size as u64;
    sizes.map(|k| choose(u64::from(FINGERPRINTS), k)).sum()
}

/// The largest `n` below [`FINGERPRINTS`] for which `choose(n, k)` is no more than `rank`.
fn most_below(rank: u64, k: u64) -> u64 {
    let (mut low, mut high) = (0, u64::from(FINGERPRINTS));
    while high - low > 1 {
        let middle = low.midpoint(high);
        match choose(middle, k) <= rank {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}
