//! Cache of sketches from one version of a dataset to the next. Normative: `spec/sketch-cache.md`.
//!
//! `search_sketches.rs` reads and writes the cache during a search, `storage.rs` is its interface
//! to a disk, `memory.rs` a cache without a disk, `codec.rs` the file format.

mod codec;
mod memory;
mod search_sketches;
mod storage;
#[cfg(test)]
mod tests;

pub use codec::RowState;
pub use codec::SketchFile;
pub use codec::SketchHeader;
pub use codec::SketchRun;
pub use memory::MemorySketches;
pub(in crate::inspect::dedup) use search_sketches::Sketches;
pub use storage::NewSketches;
pub use storage::SketchCache;
