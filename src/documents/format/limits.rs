//! Every limit of the document store; `spec/documents.md` has the same table.

/// Length of an id that is written, in bytes.
pub const ID_BYTES_MAX: usize = 255;
/// Length of the name of a collection, in bytes.
pub const NAME_BYTES_MAX: usize = 255;
/// Length of a line of the log with its line feed, in bytes.
pub const LINE_BYTES_MAX: usize = 256 << 20;
/// Length of the payload of a record of the side log, in bytes.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// Length of `index.bin`, `order.ids`, the side log and the table, in bytes.
pub const INDEX_BYTES_MAX: usize = 1 << 34;
/// Length of `manifest.json` and `schemas.jsonl`, in bytes.
pub const META_BYTES_MAX: usize = 16 << 20;
/// Number of entries of a `.zds` archive.
pub const ZIP_ENTRIES_MAX: usize = 4 << 20;
/// Length of the central directory of a `.zds` archive, in bytes.
pub const ZIP_DIRECTORY_BYTES_MAX: u64 = 1 << 30;
/// Factor by which files may be larger than the archive they come from, beyond [`ZIP_FREE_BYTES`].
pub const ZIP_EXPANSION_MAX: u64 = 100;
/// Number of bytes that an archive may unpack to whatever its length.
pub const ZIP_FREE_BYTES: u64 = 1 << 30;
/// Length of the text of a predicate, in bytes.
pub const PREDICATE_BYTES_MAX: usize = 64 << 10;
/// Depth of parentheses and `not` in a predicate.
pub const PREDICATE_DEPTH_MAX: usize = 64;
/// Depth of a document whose types are tracked.
pub const SCHEMA_DEPTH_MAX: usize = 128;
