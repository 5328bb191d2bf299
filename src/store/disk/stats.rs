//! How much a store holds.

use crate::blob_store::BlobKind;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;
use crate::store::disk::pack::file;

/// Figures of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Chunks held, each once.
    pub chunks: u64,
    /// Their raw bytes.
    pub chunk_bytes: u64,
    /// Committed bytes of all packs.
    pub stored_bytes: u64,
    /// Packs.
    pub packs: u64,
}

impl DiskStore {
    /// Counts what is held.
    ///
    /// # Errors
    /// [`StoreError`] when the index cannot be read.
    pub fn stats(&self) -> Result<StoreStats, StoreError> {
        self.read(|t| {
            let mut stats = StoreStats::default();
            let first = [BlobKind::Chunk.number()];
            t.scan(Table::Blobs, &first, &mut |key, value| {
                if key.first() != first.first() {
                    return Scan::Stop;
                }
                if let Ok(location) = rows::decode_location(value) {
                    stats.chunks += 1;
                    stats.chunk_bytes += u64::from(location.raw_bytes);
                }
                Scan::Continue
            })?;
            for (_, pack) in file::all(t)? {
                stats.packs += 1;
                stats.stored_bytes += pack.committed_bytes;
            }
            Ok(stats)
        })
    }
}
