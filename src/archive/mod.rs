//! `.alimentar` archives as bytes. The module is pure: pieces come in and go out, and blobs pass through
//! [`BlobSource`] and [`BlobSink`]. Normative: `spec/archive.md`.
//!
//! - `frames`, `entries`, `layout`: zstd frames, the tar stream, names and headers
//! - `trees`, `deltas`, `recent`: trees of datasets in the stream
//! - `volume`, `receipt`: archives over several files, and lists of held data

pub(crate) mod deltas;
mod entries;
mod error;
mod frames;
mod layout;
mod receipt;
mod recent;
#[cfg(test)]
mod tests;
mod trees;
mod volume;

pub use crate::archive::deltas::BaseBytes;
pub use crate::archive::deltas::delta;
pub use entries::EntryReader;
pub use entries::EntryWriter;
pub use entries::NextEntry;
pub use entries::PieceSink;
pub use entries::PieceSource;
pub use entries::entry_bytes;
pub use error::ArchiveError;
pub use frames::compress_frame;
pub use frames::decompress_frame;
pub use frames::read_frame;
pub use layout::ArchiveHeader;
pub use layout::ArchivedDataset;
pub use layout::BaseDataset;
pub use layout::ENTRY_HEADER_BYTES;
pub use layout::EntryName;
pub use layout::FRAME_BYTES;
pub use layout::Slot;
pub use receipt::Receipt;
pub use recent::RecentBlobs;
pub use trees::BlobSink;
pub use trees::BlobSource;
pub use trees::EachChunk;
pub use trees::SimilarChunks;
pub use trees::TreeStats;
pub use trees::put_tree;
pub use trees::take_tree;
pub use volume::TRAILER_BYTES;
pub use volume::VolumeTrailer;
#[cfg(feature = "registry")]
pub(crate) use volume::missing_before;
