//! Bucket assignment: a cuckoo placement of fingerprints in two candidate buckets each. It is
//! deterministic: the same keys give the same buckets.

use crate::ident::ContentId;
use crate::protocol::filter::bucket::Bucket;
use crate::protocol::filter::bucket::FINGERPRINTS;

/// Maximum number of buckets searched for one key. A free slot is usually a handful of buckets away.
/// Without a bound, a search in a full filter would visit all buckets.
const QUEUE_MAX: usize = 4096;

/// The part of an id that the filter uses: its first 8 digits, the length of the shortest prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::protocol::filter) struct Key(u32);

impl Key {
    pub(in crate::protocol::filter) fn of(id: &ContentId) -> Self {
        let first = id.as_bytes().first_chunk().copied().unwrap_or_default();
        Self(u32::from_le_bytes(first))
    }

    /// Returns the key's candidate buckets in a filter after this number of growths. Each growth
    /// scatters keys differently, so colliding ids would have to collide in all growths.
    pub(in crate::protocol::filter) fn slots(self, growth: u8, buckets: usize) -> KeySlots {
        // The finaliser of MurmurHash3 (Appleby 2011) is one to one, so keys stay distinct.
        let mut hash = self.0 ^ spread(u32::from(growth));
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^= hash >> 16;
        let fingerprint = reduce(spread(hash), usize::from(FINGERPRINTS)) as u16 + 1;
        let first = reduce(hash, buckets);
        KeySlots {
            fingerprint,
            pair: [first, partner(first, fingerprint, buckets)],
        }
    }
}

/// The fingerprint of a key and its two candidate buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol::filter) struct KeySlots {
    /// The fingerprint, 1 to [`FINGERPRINTS`].
    pub(in crate::protocol::filter) fingerprint: u16,
    /// The candidate buckets; both may be the same.
    pub(in crate::protocol::filter) pair: [usize; 2],
}

/// Returns the other bucket of a fingerprint's pair. The sum of both, modulo the number of buckets,
/// depends on the fingerprint alone. Fan et al. use XOR instead, which needs a power of two.
fn partner(bucket: usize, fingerprint: u16, buckets: usize) -> usize {
    let sum = reduce(spread(u32::from(fingerprint)), buckets);
    if sum >= bucket {
        sum - bucket
    } else {
        sum + buckets - bucket
    }
}

/// Scatters adjacent numbers (Knuth, TAOCP 3, 6.4: 2^32 over the golden ratio).
fn spread(x: u32) -> u32 {
    x.wrapping_mul(0x9e37_79b1)
}

/// Maps to `0..m` nearly evenly, without a division.
fn reduce(x: u32, m: usize) -> usize {
    ((u64::from(x) * m as u64) >> 32) as usize
}

/// Places keys, in the order given, into `buckets` buckets. Returns the sorted buckets, or `None` when a
/// key finds no slot.
pub(in crate::protocol::filter) fn place(
    keys: &[Key],
    growth: u8,
    buckets: usize,
) -> Option<Vec<Bucket>> {
    let mut placing = Placement {
        buckets: vec![Bucket::default(); buckets],
        queued_for: vec![0; buckets],
        queue: Vec::new(),
    };
    for (n, key) in (1..).zip(keys) {
        placing.put(key.slots(growth, buckets), n)?;
    }
    Some(placing.buckets.into_iter().map(Bucket::sorted).collect())
}

/// A step of the search: a bucket that may take a fingerprint of another one.
struct SearchStep {
    bucket: usize,
    /// The queue index of the other bucket, and its slot; `None` for a key's own buckets.
    from: Option<(usize, usize)>,
}

struct Placement {
    buckets: Vec<Bucket>,
    /// For each bucket, the last key in whose queue it was, counted from 1.
    queued_for: Vec<u32>,
    queue: Vec<SearchStep>,
}

impl Placement {
    /// Places the `n`-th key; `None` when there is no slot for it.
    fn put(&mut self, home: KeySlots, n: u32) -> Option<()> {
        let KeySlots { fingerprint, pair } = home;
        if pair.iter().any(|b| self.buckets[*b].holds(fingerprint)) {
            return Some(());
        }
        self.queue.clear();
        for bucket in pair {
            self.enqueue(bucket, None, n);
        }
        let mut at = 0;
        loop {
            let bucket = self.queue.get(at)?.bucket;
            let slots = self.buckets[bucket].0;
            if let Some(free) = slots.iter().position(|f| *f == 0) {
                self.shift(at, free, fingerprint);
                return Some(());
            }
            for (slot, held) in slots.into_iter().enumerate() {
                let other = partner(bucket, held, self.buckets.len());
                self.enqueue(other, Some((at, slot)), n);
            }
            at += 1;
        }
    }

    fn enqueue(&mut self, bucket: usize, from: Option<(usize, usize)>, n: u32) {
        if self.queued_for[bucket] != n && self.queue.len() < QUEUE_MAX {
            self.queued_for[bucket] = n;
            self.queue.push(SearchStep { bucket, from });
        }
    }

    /// Moves each fingerprint on the path to a free slot one step, and puts the new one at its start. A
    /// bucket is on the path at most once.
    fn shift(&mut self, mut at: usize, mut free: usize, fingerprint: u16) {
        loop {
            let SearchStep { bucket, from } = self.queue[at];
            let Some((before, slot)) = from else {
                self.buckets[bucket].0[free] = fingerprint;
                return;
            };
            let moved = self.buckets[self.queue[before].bucket].0[slot];
            self.buckets[bucket].0[free] = moved;
            (at, free) = (before, slot);
        }
    }
}
