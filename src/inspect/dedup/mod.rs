//! Rows that are the same as others or like them, within one table and between two.
//!
//! Rows are gone over several times: to hash them, to confirm on the bytes which are the same, to
//! count common shingles in a sample, to sketch them, and to compare the pairs that the sketches
//! suggest by all their shingles.

mod cluster;
pub(crate) mod exact;
pub(crate) mod external;
pub(crate) mod near;
pub(crate) mod ngrams;
mod options;
mod overlap;
pub(crate) mod run;
pub(crate) mod sketch_cache;
#[cfg(test)]
mod tests;

pub use crate::inspect::dedup::external::row_set::RowSet;
pub use crate::inspect::dedup::external::spill::DirectorySpill;
pub use crate::inspect::dedup::external::spill::MemorySpill;
pub use crate::inspect::dedup::external::spill::Spill;
pub use crate::inspect::dedup::external::spill::SpillRun;
pub use crate::inspect::dedup::near::hamming::NearPair;
pub use crate::inspect::dedup::near::hamming::near_pairs;
pub use crate::inspect::dedup::near::simhash::simhash;
pub use crate::inspect::dedup::near::sketch::Bands;
pub use crate::inspect::dedup::near::sketch::SKETCH_PLACES;
pub use crate::inspect::dedup::near::sketch::Sketch;
pub use crate::inspect::dedup::near::sketch::sketch;
pub use crate::inspect::dedup::run::dedup;
pub use crate::inspect::dedup::sketch_cache::MemorySketches;
pub use crate::inspect::dedup::sketch_cache::NewSketches;
pub use crate::inspect::dedup::sketch_cache::Run;
pub use crate::inspect::dedup::sketch_cache::SketchCache;
pub use crate::inspect::dedup::sketch_cache::SketchFile;
pub use crate::inspect::dedup::sketch_cache::SketchHeader;
pub use crate::inspect::dedup::sketch_cache::State;
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
