//! Slots of the table: a hash of the id, and the place of the line.

use std::hash::Hasher;

use crate::documents::format::Place;

/// Length of a slot in bytes.
pub(crate) const SLOT_BYTES: usize = 16;
/// Bytes of a slot; zeros if it is empty.
pub(crate) type RawSlot = [u8; SLOT_BYTES];

/// Key of the hash of ids. It is random, so that nobody can choose ids that share a slot.
pub(crate) type HashKey = [u8; 16];

/// Hashes an id: SipHash-1-3 of its bytes.
pub(crate) fn hash_id(key: &HashKey, id: &str) -> u64 {
    let mut hasher = siphasher::sip::SipHasher13::new_with_key(key);
    hasher.write(id.as_bytes());
    hasher.finish()
}

/// Number of bits of the length.
const LENGTH_BITS: u32 = 20;
/// The length of a slot whose line is as long or longer: its line feed tells where it ends.
pub(crate) const LENGTH_MAX: u32 = (1 << LENGTH_BITS) - 1;
/// Length of a log whose offsets fit into slots, in bytes.
pub(crate) const LOG_BYTES_MAX: u64 = 1 << (64 - LENGTH_BITS);

/// A document in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// SipHash-1-3 of the id.
    pub(crate) hash: u64,
    /// Place of the line. Its length is at most [`LENGTH_MAX`].
    pub(crate) place: Place,
}

impl Slot {
    /// Reads a slot; `None` if it is empty.
    pub(crate) fn decode(raw: RawSlot) -> Option<Self> {
        let slot = PackedSlot(u128::from_le_bytes(raw)).slot();
        (slot.place.length > 0).then_some(slot)
    }

    /// Writes a slot.
    pub(crate) fn encode(self) -> RawSlot {
        let length = self.place.length.min(LENGTH_MAX);
        let place = (self.place.offset << LENGTH_BITS) | u64::from(length);
        (u128::from(place) << 64 | u128::from(self.hash)).to_le_bytes()
    }
}

/// A document in sixteen bytes, ordered by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PackedSlot(u128);

impl PackedSlot {
    /// Takes a slot; `None` if it is empty.
    pub(crate) fn of(raw: RawSlot) -> Option<Self> {
        Slot::decode(raw).map(|_| Self(u128::from_le_bytes(raw)))
    }

    /// Returns the slot.
    pub(crate) fn slot(self) -> Slot {
        let both = self.0;
        let (hash, place) = (both as u64, (both >> 64) as u64);
        Slot {
            hash,
            place: Place {
                offset: place >> LENGTH_BITS,
                length: (place as u32) & LENGTH_MAX,
            },
        }
    }
}
