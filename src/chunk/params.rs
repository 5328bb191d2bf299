//! Chunking parameters. They are part of format version 1: nodes that cut differently share no chunks.
//! `spec/chunking.md` explains the choice and holds the measurements.

/// Smallest chunk, in bytes. Only the last chunk of a region may be shorter.
pub const CHUNK_BYTES_MIN: usize = 4 << 10;
/// Average chunk, in bytes: the size around which the cutter seeks a boundary.
pub const CHUNK_BYTES_AVG: usize = 16 << 10;
/// Largest chunk, in bytes, [`NEWLINE_WINDOW_BYTES`] included.
pub const CHUNK_BYTES_MAX: usize = 64 << 10;
/// A cut moves forward to just after the next newline byte within this number of bytes.
pub const NEWLINE_WINDOW_BYTES: usize = 8 << 10;
/// Raw bytes of adjacent new chunks that are compressed together.
pub const SEGMENT_BYTES: usize = 1 << 20;
/// Raw bytes of new chunks that are stored as one delta. A reader of one of them needs the bases of all.
pub const DIFFERENCE_BYTES: usize = 256 << 10;
