//! Which fingerprint of an id goes into which of two buckets, so that all have a place. Nothing
//! here is random: the same keys give the same buckets.

use crate::ident::ContentId;
use crate::protocol::filter::bucket::Bucket;
use crate::protocol::filter::bucket::FINGERPRINTS;

/// Buckets looked at for one key. A free slot is mostly a handful of buckets away; without a bound,
/// finding that there is none would be work for all buckets.
const QUEUE_MAX: usize = 4096;

/// What counts of an id: its first 8 digits, as few as a person may type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::protocol::filter) struct Key(u32);

impl Key {
    pub(in crate::protocol::filter) fn of(id: &ContentId) -> Self {
        let first = id.as_bytes().first_chunk().copied().unwrap_or_default();
        Self(u32::from_le_bytes(first))
    }

    /// Where it belongs in a filter that has grown so often. Each growth scatters keys otherwise:
    /// who chose ids that get into each other's way has to do it for all growths at once.
    pub(in crate::protocol::filter) fn home(self, growth: u8, buckets: usize) -> Home {
        // The finaliser of MurmurHash3 (Appleby 2011): one to one, so keys stay distinct.
        let mut hash = self.0 ^ spread(u32::from(growth));
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^= hash >> 16;
        let fingerprint = reduce(spread(hash), usize::from(FINGERPRINTS)) as u16 + 1;
        let first = reduce(hash, buckets);
        Home {
            fingerprint,
            pair: [first, partner(first, fingerprint, buckets)],
        }
    }
}

/// Where a key belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol::filter) struct Home {
    /// 1 to [`FINGERPRINTS`].
    pub(in crate::protocol::filter) fingerprint: u16,
    /// The buckets that the fingerprint may be in; maybe one twice.
    pub(in crate::protocol::filter) pair: [usize; 2],
}

/// The other bucket of a fingerprint's pair: their sum, modulo the number of buckets, hangs on the
/// fingerprint alone. Fan et al. take XOR instead, which needs a power of two.
fn partner(bucket: usize, fingerprint: u16, buckets: usize) -> usize {
    let sum = reduce(spread(u32::from(fingerprint)), buckets);
    match sum >= bucket {
        true => sum - bucket,
        false => sum + buckets - bucket,
    }
}

/// Takes neighbouring numbers far apart (Knuth, TAOCP 3, 6.4: 2^32 over the golden ratio).
fn spread(x: u32) -> u32 {
    x.wrapping_mul(0x9e37_79b1)
}

/// To `0..m`, as evenly as it goes, without a division.
fn reduce(x: u32, m: usize) -> usize {
    ((u64::from(x) * m as u64) >> 32) as usize
}

/// Places keys, in the order given, in so many buckets; the buckets, sorted, or `None` when a key
/// finds no place.
pub(in crate::protocol::filter) fn place(
    keys: &[Key],
    growth: u8,
    buckets: usize,
) -> Option<Vec<Bucket>> {
    let mut placing = Placing {
        buckets: vec![Bucket::default(); buckets],
        queued_for: vec![0; buckets],
        queue: Vec::new(),
    };
    for (n, key) in (1..).zip(keys) {
        placing.put(key.home(growth, buckets), n)?;
    }
    Some(placing.buckets.into_iter().map(Bucket::sorted).collect())
}

/// A bucket that could have a slot for what is in another.
struct Way {
    bucket: usize,
    /// Where in the queue the other is, and which of its slots; `None` for a key's own buckets.
    from: Option<(usize, usize)>,
}

struct Placing {
    buckets: Vec<Bucket>,
    /// The last key for which a bucket was in the queue, counted from 1.
    queued_for: Vec<u32>,
    queue: Vec<Way>,
}

impl Placing {
    /// Places the `n`-th key; `None` when there is no place for it.
    fn put(&mut self, home: Home, n: u32) -> Option<()> {
        let Home { fingerprint, pair } = home;
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
            self.queue.push(Way { bucket, from });
        }
    }

    /// Moves everything on the way to a free slot up by one, and puts the fingerprint at its
    /// beginning. A bucket is on the way once at most.
    fn shift(&mut self, mut at: usize, mut free: usize, fingerprint: u16) {
        loop {
            let Way { bucket, from } = self.queue[at];
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
