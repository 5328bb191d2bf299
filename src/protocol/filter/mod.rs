//! Cuckoo filter over content ids: a compact set of the ids that a peer may have (Fan, Andersen,
//! Kaminsky and Mitzenmacher, "Cuckoo Filter: Practically Better Than Bloom", CoNEXT 2014).
//! Equal sets of ids have equal bytes. Normative: `spec/filter.md`.
//!
//! - `bucket`: fingerprints of a bucket and their encoding
//! - `placing`: the choice of a bucket for each id

mod bucket;
mod placing;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::ident::ContentId;
use crate::ident::HexPrefix;
use crate::ident::to_hex;
use crate::protocol::filter::bucket::BUCKET_BYTES;
use crate::protocol::filter::bucket::Bucket;
use crate::protocol::filter::placing::Key;
use crate::protocol::filter::placing::place;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::FILTER_BYTES_MAX;
use crate::wire::limits::FILTER_IDS_MAX;

/// A set of content ids without false negatives. About one absent id in 290 is a false positive. Equal
/// sets of ids make equal filters of equal bytes.
///
/// ```
/// use alimentar::ident::ContentId;
/// use alimentar::protocol::Filter;
///
/// let ids: Vec<ContentId> = (0..100_u8).map(|n| ContentId::from_bytes(&[n])).collect();
/// let filter = Filter::build(&ids);
/// assert!(ids.iter().all(|id| filter.may_contain(id)));
/// assert_eq!(Filter::decode(&filter.encode())?, filter);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    ids: usize,
    growth: u8,
    /// The sorted buckets.
    buckets: Vec<Bucket>,
}

/// Digest of a filter: the first 8 bytes of the BLAKE3 hash of its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilterDigest([u8; 8]);

impl Filter {
    /// Builds the filter of a set of ids, given in any order and with repetitions.
    /// A filter that would need more than [`FILTER_BYTES_MAX`], or in which no size has a slot for each
    /// id, is [full](Self::is_full). So no present id is ever denied.
    pub fn build(ids: &[ContentId]) -> Self {
        let mut distinct: Vec<&ContentId> = ids.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let ids = distinct.len().min(FILTER_IDS_MAX);
        let mut keys: Vec<Key> = distinct.into_iter().map(Key::of).collect();
        keys.sort_unstable();
        keys.dedup();
        Self::of_keys(ids, &keys)
    }

    /// Builds the filter of distinct, ascending keys.
    fn of_keys(ids: usize, keys: &[Key]) -> Self {
        let sizes = (0..=GROWTH_MAX).map_while(|g| Some((g, bucket_count(ids, g)?)));
        let mut tries = sizes.filter_map(|(g, count)| Some((g, place(keys, g, count)?)));
        let (growth, buckets) = tries.next().unwrap_or((FULL, Vec::new()));
        Self {
            ids,
            growth,
            buckets,
        }
    }

    /// Returns true if the id may be in the set. `false` is certain.
    pub fn may_contain(&self, id: &ContentId) -> bool {
        if self.is_full() || self.buckets.is_empty() {
            return self.is_full();
        }
        let home = Key::of(id).slots(self.growth, self.buckets.len());
        let mut pair = home.pair.iter().filter_map(|n| self.buckets.get(*n));
        pair.any(|bucket| bucket.holds(home.fingerprint))
    }

    /// Returns true if an id with this prefix may be in the set. `false` is certain. A filter uses no
    /// more of an id than the shortest prefix has, so every prefix is long enough.
    pub fn may_contain_prefix(&self, prefix: &HexPrefix) -> bool {
        const { assert!(HexPrefix::DIGITS_MIN >= 8) };
        self.may_contain(&prefix.lowest())
    }

    /// Returns the number of ids of the set.
    pub fn len(&self) -> usize {
        self.ids
    }

    /// Returns true if the set is empty.
    pub fn is_empty(&self) -> bool {
        self.ids == 0
    }

    /// Returns true if the filter admits every id, because its ids found no slots.
    pub fn is_full(&self) -> bool {
        self.growth == FULL
    }

    /// Encodes the filter in at most [`FILTER_BYTES_MAX`] bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(VERSION).varint(self.ids as u64).u8(self.growth);
        for bucket in &self.buckets {
            let [number @ .., _, _, _] = bucket.number().to_le_bytes();
            w.bytes(&number);
        }
        w.into_bytes()
    }

    /// Decodes a filter. Encoding it gives the same bytes again.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a filter's.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let version = r.u8()?;
        if version != VERSION {
            return Err(DecodeError::Version(u32::from(version)));
        }
        let ids = r.count("ids", FILTER_IDS_MAX)?;
        let growth = r.u8()?;
        let count = match growth {
            // The empty set has exactly one encoding.
            1.. if ids == 0 => return Err(DecodeError::Invalid("growth")),
            FULL => 0,
            ..=GROWTH_MAX => bucket_count(ids, growth).ok_or(DecodeError::Invalid("growth"))?,
            _ => return Err(DecodeError::Invalid("growth")),
        };
        // The bytes are checked before memory for their number is allocated.
        let numbers = r.bytes(count * BUCKET_BYTES)?;
        r.end()?;
        let buckets = numbers.as_chunks::<BUCKET_BYTES>().0;
        let buckets = buckets.iter().map(|b| Bucket::of_number(number_of(b)));
        let filter = Self {
            ids,
            growth,
            buckets: buckets.collect::<Result<_, _>>()?,
        };
        let held: usize = filter.buckets.iter().map(Bucket::len).sum();
        // Fewer fingerprints than ids are valid: some ids share their fingerprint and buckets.
        let adds_up = held <= ids && (held > 0 || count == 0);
        adds_up
            .then_some(filter)
            .ok_or(DecodeError::Invalid("number of ids"))
    }

    /// Returns the filter's digest.
    pub fn digest(&self) -> FilterDigest {
        let hash = blake3::hash(&self.encode());
        FilterDigest(hash.as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

impl FilterDigest {
    /// Makes the digest from its bytes.
    pub const fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Returns the digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for FilterDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

fn number_of(bytes: &[u8; BUCKET_BYTES]) -> u64 {
    let [a, b, c, d, e] = *bytes;
    u64::from_le_bytes([a, b, c, d, e, 0, 0, 0])
}

/// Returns the number of buckets of a filter with this number of ids after this number of growths;
/// `None` when that is too many.
/// The first size has a load of 98 %, the most that buckets of four can hold. The last is about 7 times
/// larger, for ids that an attacker chose.
fn bucket_count(ids: usize, growth: u8) -> Option<usize> {
    let mut count = (ids as u64 * 25).div_ceil(98);
    for n in 1..=u64::from(growth) {
        count += 1 + count * n / 256;
    }
    let count = usize::try_from(count).ok()?;
    (count <= (FILTER_BYTES_MAX - HEADER_BYTES_MAX) / BUCKET_BYTES).then_some(count)
}

const VERSION: u8 = 1;
/// The last growth that building tries.
const GROWTH_MAX: u8 = 32;
/// Stands in place of the growth in a filter that admits every id.
const FULL: u8 = 255;
const HEADER_BYTES_MAX: usize = 10;
