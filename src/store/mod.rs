//! Where blobs and tables are kept: in memory, or in packs and a redb index on disk. This module
//! stores; what datasets mean is decided above it.

mod memory;

#[cfg(feature = "disk")]
pub mod disk;

pub use memory::MemoryBlobs;
pub use memory::MemoryMeta;
