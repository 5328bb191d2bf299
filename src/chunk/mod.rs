//! Cutting bytes into chunks and compressing them. Pure: bytes in, bytes out. Where chunks are
//! kept is not decided here. Normative: `spec/chunking.md`, `spec/pack.md` (codecs).

mod codec;
mod cutter;
mod features;
pub mod params;

pub use crate::chunk::delta::DeltaEncoder;
pub use crate::chunk::delta::apply;
pub use codec::Codec;
pub use codec::CodecError;
pub use codec::Compressor;
pub use codec::decompress;
pub use cutter::count_newlines;
pub use cutter::next_cut;
pub use features::FEATURE_BYTES_MIN;
pub use features::SUPER_FEATURES;
pub use features::SuperFeatures;
pub use features::super_features;

pub(crate) mod delta;
pub mod similarity;
#[cfg(test)]
mod tests;
