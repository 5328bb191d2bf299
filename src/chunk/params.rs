//! The chunking parameters. Part of format version 1: nodes that cut differently share nothing.
//! `spec/chunking.md` says how they were chosen and holds the measurements.

/// No chunk is shorter, but the last of a region.
pub const CHUNK_BYTES_MIN: usize = 4 << 10;
/// The size around which cuts are sought.
pub const CHUNK_BYTES_AVG: usize = 16 << 10;
/// No chunk is longer; includes what [`NEWLINE_WINDOW_BYTES`] adds.
pub const CHUNK_BYTES_MAX: usize = 64 << 10;
/// A cut moves forward to just after the next newline byte that lies within this many bytes.
pub const NEWLINE_WINDOW_BYTES: usize = 8 << 10;
/// Raw bytes of neighbouring new chunks that are compressed together.
pub const SEGMENT_BYTES: usize = 1 << 20;
/// Raw bytes of new chunks that are stored as one delta: whoever reads one of them needs the
/// bases of all.
pub const DIFFERENCE_BYTES: usize = 256 << 10;
