//! Locations of blobs in packs.

/// The location of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The number of the pack.
    pub pack: u32,
    /// The offset of the record in the pack.
    pub offset: u32,
    /// Length of the record, in bytes.
    pub record_bytes: u32,
    /// The number of the blob within the record.
    pub item: u16,
    /// The blob's length before compression.
    pub raw_bytes: u32,
    /// Set if the record is a delta, which cannot be read without its bases.
    pub is_delta: bool,
}
