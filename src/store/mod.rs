//! Stores of blobs and tables. The layers above give datasets their meaning.
//!
//! - `memory`: in memory, for wasm and tests
//! - `disk`: packs and a redb index

mod memory;

#[cfg(feature = "disk")]
pub mod disk;

pub use memory::MemoryBlobs;
pub use memory::MemoryMeta;
