//! The similarity table, as bytes: it maps super-features to chunks. A header precedes buckets of four
//! entries, the newest first.
//! Any bytes are valid buckets, because readers verify each entry against the chunk it
//! names. Normative: `spec/resemblance.md`.

use crate::wire::limits::RESEMBLANCE_BYTES_MAX;

/// The location of a chunk: its record, and its number within the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the pack.
    pub pack: u32,
    /// The offset of the record in the pack.
    pub offset: u32,
    /// The number of the chunk within the record.
    pub item: u16,
}

/// The header of a similarity table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimilarityHeader {
    /// The binary logarithm of the number of buckets.
    pub bits: u32,
    /// Number of entries that had no room since the table grew.
    pub dropped: u32,
}

/// A bucket of four entries.
pub type Bucket = [u8; BUCKET_BYTES];

type Entry = [u8; ENTRY_BYTES];

const BUCKET_ENTRIES: usize = 4;
const ENTRY_BYTES: usize = 16;
const BUCKET_BYTES: usize = BUCKET_ENTRIES * ENTRY_BYTES;
const HEADER_BYTES: usize = 64;
const MAGIC: [u8; 8] = *b"\x89ALI\r\n\x1a\n";
const VERSION: u32 = 1;
/// The version of the feature scheme.
const SCHEME: u32 = 1;
const BITS_MIN: u32 = 6;
const BITS_MAX: u32 = (RESEMBLANCE_BYTES_MAX / BUCKET_BYTES).ilog2();
/// Number of bits by which a table grows at a time.
const BITS_GROWN: u32 = 2;

impl SimilarityHeader {
    /// Bytes of an encoded header.
    pub const BYTES: usize = HEADER_BYTES;

    /// Returns the header of the smallest table.
    pub fn first() -> Self {
        Self {
            bits: BITS_MIN,
            dropped: 0,
        }
    }

    /// Returns the header of the next larger table; `None` when this is the largest.
    pub fn larger(&self) -> Option<Self> {
        (self.bits < BITS_MAX).then_some(Self {
            bits: (self.bits + BITS_GROWN).min(BITS_MAX),
            dropped: 0,
        })
    }

    /// Returns true if enough entries had no room that a larger table is due.
    pub fn is_full(&self) -> bool {
        self.dropped > 1 << (self.bits - 1)
    }

    /// Returns the bytes of the table, the header included.
    pub fn table_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + ((BUCKET_BYTES as u64) << self.bits)
    }

    /// Returns the offset of a super-feature's bucket.
    pub fn bucket_at(&self, feature: u64) -> u64 {
        HEADER_BYTES as u64 + (feature >> (u64::BITS - self.bits)) * BUCKET_BYTES as u64
    }

    /// Encodes the header.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let words = [VERSION, SCHEME, self.bits, self.dropped];
        let fields = MAGIC
            .into_iter()
            .chain(words.into_iter().flat_map(u32::to_le_bytes));
        for (to, from) in bytes.iter_mut().zip(fields) {
            *to = from;
        }
        bytes
    }

    /// Decodes the header at the front of a file of this length.
    /// Returns `None` where the file is cut short or is no table of this version and scheme.
    pub fn decode(bytes: &[u8], file_bytes: u64) -> Option<Self> {
        let word = |n: usize| {
            let word = bytes.get(8 + 4 * n..)?.first_chunk()?;
            Some(u32::from_le_bytes(*word))
        };
        let (bits, dropped) = (word(2)?, word(3)?);
        let is_known = bytes.starts_with(&MAGIC) && word(0)? == VERSION && word(1)? == SCHEME;
        if !is_known || !(BITS_MIN..=BITS_MAX).contains(&bits) {
            return None;
        }
        let header = Self { bits, dropped };
        (header.table_bytes() == file_bytes).then_some(header)
    }
}

/// Finds the chunk with a super-feature in that feature's bucket.
pub fn find_in(bucket: &Bucket, feature: u64) -> Option<Place> {
    let (entries, _) = bucket.as_chunks();
    entries.iter().find_map(|entry| place_in(entry, feature))
}

/// Puts an entry in front of its bucket, in place of an entry of the same super-feature or a free one.
/// Returns false if the bucket had neither and lost its last entry. A super-feature whose highest 48
/// bits are zero has no entry.
pub fn put_into(bucket: &mut Bucket, feature: u64, location: Place) -> bool {
    tag_of(feature) == 0 || put_in_front(bucket, entry(feature, location))
}

/// Distributes the entries of a bucket over the buckets of a larger table, the newest first.
pub fn spread(bucket: &Bucket, from: SimilarityHeader, to: SimilarityHeader) -> Vec<Bucket> {
    let mut buckets = vec![[0; BUCKET_BYTES]; 1 << to.bits.saturating_sub(from.bits)];
    // The newest goes last, so that it ends in front.
    let (entries, _) = bucket.as_chunks();
    for entry in entries.iter().rev().filter(|entry| !is_free(entry)) {
        let number = feature_of(entry) >> (u64::BITS - to.bits);
        let number = usize::try_from(number).unwrap_or(0) % buckets.len();
        buckets
            .get_mut(number)
            .map(|bucket| put_in_front(bucket, *entry));
    }
    buckets
}

fn put_in_front(bucket: &mut Bucket, new: Entry) -> bool {
    let (entries, _) = bucket.as_chunks_mut();
    let tag = feature_of(&new);
    let replaced = entries
        .iter()
        .position(|old| is_free(old) || feature_of(old) == tag);
    let until = replaced.unwrap_or(BUCKET_ENTRIES - 1);
    if let Some(moved) = entries.get_mut(..=until) {
        moved.rotate_right(1);
        if let Some(first) = moved.first_mut() {
            *first = new;
        }
    }
    replaced.is_some()
}

/// The tag of a super-feature in an entry: all but the lowest 16 bits.
fn tag_of(feature: u64) -> u64 {
    feature & !0xffff
}

fn entry(feature: u64, location: Place) -> Entry {
    let tagged = tag_of(feature) | u64::from(location.item);
    let at = u64::from(location.pack) << 32 | u64::from(location.offset);
    let mut bytes = [0; ENTRY_BYTES];
    let (first, second) = bytes.split_at_mut(8);
    first.copy_from_slice(&tagged.to_le_bytes());
    second.copy_from_slice(&at.to_le_bytes());
    bytes
}

fn words_of(entry: &Entry) -> (u64, u64) {
    let (words, _) = entry.as_chunks();
    match words {
        [tagged, at] => (u64::from_le_bytes(*tagged), u64::from_le_bytes(*at)),
        _ => (0, 0),
    }
}

fn feature_of(entry: &Entry) -> u64 {
    tag_of(words_of(entry).0)
}

fn is_free(entry: &Entry) -> bool {
    feature_of(entry) == 0
}

/// Returns the chunk of an entry, if the entry has this super-feature.
fn place_in(entry: &Entry, feature: u64) -> Option<Place> {
    let (tagged, at) = words_of(entry);
    (!is_free(entry) && tag_of(tagged) == tag_of(feature)).then_some(Place {
        pack: (at >> 32) as u32,
        offset: at as u32,
        item: tagged as u16,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::to_hex;

    #[test]
    fn similarity_entry_matches_the_specification() {
        let one = Place {
            pack: 0x0102_0304,
            offset: 0x0506_0708,
            item: 0x090a,
        };
        let bytes = entry(0xfedc_ba98_7654_3210, one);
        assert_eq!(to_hex(&bytes), "0a09547698badcfe0807060504030201");
        assert_eq!(place_in(&bytes, 0xfedc_ba98_7654_ffff), Some(one));
    }

    #[test]
    fn similarity_header_with_any_change_is_refused() {
        let header = SimilarityHeader::first();
        let good = header.encode();
        assert_eq!(
            SimilarityHeader::decode(&good, header.table_bytes()),
            Some(header)
        );
        assert_eq!(SimilarityHeader::decode(&good, good.len() as u64), None);
        assert_eq!(
            SimilarityHeader::decode(&good[..23], header.table_bytes()),
            None
        );
        for at in [0, 8, 12, 16] {
            let mut bad = good;
            bad[at] ^= 0x40;
            assert_eq!(SimilarityHeader::decode(&bad, header.table_bytes()), None);
        }
        let mut largest = header;
        while let Some(larger) = largest.larger() {
            assert!(larger.table_bytes() > largest.table_bytes());
            largest = larger;
        }
        assert!(largest.table_bytes() <= (RESEMBLANCE_BYTES_MAX + HEADER_BYTES) as u64);
    }
}
