//! Which content ids somebody may have: a cuckoo filter (Fan, Andersen, Kaminsky and Mitzenmacher,
//! "Cuckoo Filter: Practically Better Than Bloom", CoNEXT 2014) whose bytes follow from the set of
//! ids. Normative: `spec/filter.md`.

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

/// The content ids that somebody may have. A *no* is certain; a *yes* is wrong for about one id in
/// 290 that is not there. Equal sets of ids are equal filters, of equal bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    ids: usize,
    growth: u8,
    /// Sorted each.
    buckets: Vec<Bucket>,
}

/// Tells filters apart: the first 8 bytes of the BLAKE3 hash of the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilterDigest([u8; 8]);

impl Filter {
    /// The filter of a set of ids, in any order; one that is there twice counts once. Where they
    /// find no place however often it grows, or would need more than [`FILTER_BYTES_MAX`], it is
    /// [full](Self::is_full): what is there is never denied.
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

    /// Keys must be distinct and ascending.
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

    /// Whether an id may be there. `false` is certain.
    pub fn may_contain(&self, id: &ContentId) -> bool {
        if self.is_full() || self.buckets.is_empty() {
            return self.is_full();
        }
        let home = Key::of(id).home(self.growth, self.buckets.len());
        let mut pair = home.pair.iter().filter_map(|n| self.buckets.get(*n));
        pair.any(|bucket| bucket.holds(home.fingerprint))
    }

    /// Whether an id that begins so may be there. `false` is certain. Every prefix is long enough
    /// to tell: no more of an id counts than the shortest prefix has.
    pub fn may_contain_prefix(&self, prefix: &HexPrefix) -> bool {
        const { assert!(HexPrefix::DIGITS_MIN >= 8) };
        self.may_contain(&prefix.lowest())
    }

    /// How many ids it was made of.
    pub fn len(&self) -> usize {
        self.ids
    }

    /// Whether it was made of none.
    pub fn is_empty(&self) -> bool {
        self.ids == 0
    }

    /// Whether it knows nothing and says yes to everything, since its ids found no place.
    pub fn is_full(&self) -> bool {
        self.growth == FULL
    }

    /// Its bytes; at most [`FILTER_BYTES_MAX`].
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(VERSION).varint(self.ids as u64).u8(self.growth);
        for bucket in &self.buckets {
            let [number @ .., _, _, _] = bucket.number().to_le_bytes();
            w.bytes(&number);
        }
        w.into_bytes()
    }

    /// Reads a filter; written again, it is the same bytes.
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
            // One way to say that there is nothing.
            1.. if ids == 0 => return Err(DecodeError::Invalid("growth")),
            FULL => 0,
            ..=GROWTH_MAX => bucket_count(ids, growth).ok_or(DecodeError::Invalid("growth"))?,
            _ => return Err(DecodeError::Invalid("growth")),
        };
        // The bytes are there before there is room for what they say.
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
        // Fewer than ids are fine: some share their fingerprint and buckets.
        let adds_up = held <= ids && (held > 0 || count == 0);
        adds_up
            .then_some(filter)
            .ok_or(DecodeError::Invalid("number of ids"))
    }

    /// What tells it apart.
    pub fn digest(&self) -> FilterDigest {
        let hash = blake3::hash(&self.encode());
        FilterDigest(hash.as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

impl FilterDigest {
    /// From its bytes.
    pub const fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
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

/// How many buckets a filter of so many ids has after growing so often; `None` when these are too
/// many. The first is a load of 98 %, which is as much as buckets of four can hold; the last is some
/// 7 times more, for ids that somebody chose.
fn bucket_count(ids: usize, growth: u8) -> Option<usize> {
    let mut count = (ids as u64 * 25).div_ceil(98);
    for n in 1..=u64::from(growth) {
        count += 1 + count * n / 256;
    }
    let count = usize::try_from(count).ok()?;
    (count <= (FILTER_BYTES_MAX - HEADER_BYTES_MAX) / BUCKET_BYTES).then_some(count)
}

const VERSION: u8 = 1;
/// The last size that is tried.
const GROWTH_MAX: u8 = 32;
/// In the place of a growth: says yes to everything.
const FULL: u8 = 255;
const HEADER_BYTES_MAX: usize = 10;
