//! `.alimentar` archives as bytes: frames, entries, trees, volumes, receipts. Pure: pieces come in
//! and go out, blobs come from and go to whoever implements [`Source`] and [`BlobSink`]. Normative:
//! `spec/archive.md`.

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
pub use error::ArchiveError;
pub use frames::compress_frame;
pub use frames::decompress_frame;
pub use frames::read_frame;
pub use layout::ArchiveHeader;
pub use layout::Base;
pub use layout::EntryName;
pub use layout::FRAME_BYTES;
pub use layout::Held;
pub use layout::Slot;
pub use receipt::Receipt;
pub use recent::Recent;
pub use trees::BlobSink;
pub use trees::EachChunk;
pub use trees::SimilarChunks;
pub use trees::Source;
pub use trees::Written;
pub use trees::put_tree;
pub use trees::take_tree;
pub use volume::TRAILER_BYTES;
pub use volume::VolumeTrailer;
