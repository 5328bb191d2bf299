//! Cutting bytes into chunks and compressing them. Pure: bytes in, bytes out. Where chunks are
//! kept is not decided here. Normative: `spec/chunking.md`, `spec/pack.md` (codecs).

mod codec;
mod cutter;
mod difference;
mod features;
pub mod params;
pub mod resemblance;

pub use codec::Codec;
pub use codec::CodecError;
pub use codec::Compressor;
pub use codec::decompress;
pub use cutter::count_newlines;
pub use cutter::next_cut;
pub use difference::Differ;
pub use difference::apply;
pub use features::FEATURE_BYTES_MIN;
pub use features::SUPER_FEATURES;
pub use features::SuperFeatures;
pub use features::super_features;

#[cfg(test)]
mod tests;
