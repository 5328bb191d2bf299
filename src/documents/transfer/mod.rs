//! Collections on the move: `.zds` archives, and snapshots for datasets.

mod archive;
mod snapshot;

pub use archive::Unpacked;
pub use archive::pack;
pub use archive::unpack;
pub use snapshot::snapshot_into;
