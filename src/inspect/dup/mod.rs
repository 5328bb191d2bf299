//! Rows that are the same as others or like them, within one table and between two.
//!
//! Rows are gone over several times: to hash them, to confirm on the bytes which are the same, to
//! count common shingles in a sample, to sketch them, and to compare the pairs that the sketches
//! suggest by all their shingles.

mod bit_sketches;
mod candidates;
mod cluster;
mod common;
mod confirm;
mod dedup;
mod exact;
mod grams;
mod hamming;
mod hash;
mod options;
mod overlap;
mod partitions;
mod passes;
mod prints;
mod row_set;
mod shingles;
mod simhash;
mod sketch;
mod spill;
mod survey;
#[cfg(test)]
mod tests;
mod verify;

pub use dedup::dedup;
pub use hamming::NearPair;
pub use hamming::near_pairs;
pub use options::DedupOptions;
pub use options::DedupReport;
pub use options::Evidence;
pub use options::Keep;
pub use options::Likeness;
pub use options::Measure;
pub use options::Method;
pub use options::OpenRows;
pub use options::Retention;
pub use options::Shingle;
pub use options::Weighting;
pub use overlap::OverlapOptions;
pub use overlap::OverlapReport;
pub use overlap::Overlapping;
pub use overlap::overlap;
pub use prints::MemoryPrints;
pub use prints::NewPrints;
pub use prints::PrintCache;
pub use prints::PrintsFile;
pub use prints::PrintsHeader;
pub use prints::Run;
pub use prints::State;
pub use row_set::RowSet;
pub use simhash::simhash;
pub use sketch::Bands;
pub use sketch::SKETCH_PLACES;
pub use sketch::Sketch;
pub use sketch::sketch;
pub use spill::DirectorySpill;
pub use spill::MemorySpill;
pub use spill::Spill;
pub use spill::SpillRun;
