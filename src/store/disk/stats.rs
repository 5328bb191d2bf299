//! Figures of a store.

use crate::blob_store::BlobKind;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;
use crate::store::disk::pack::list;

/// Figures of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Number of distinct chunks.
    pub chunks: u64,
    /// Raw bytes of these chunks.
    pub chunk_bytes: u64,
    /// Committed bytes of all packs.
    pub stored_bytes: u64,
    /// Number of packs.
    pub packs: u64,
    /// Format version of the index; `None` before the first change of an empty store.
    pub version: Option<u32>,
}

impl DiskStore {
    /// Computes the figures.
    ///
    /// # Errors
    /// [`StoreError`] when the index cannot be read.
    pub fn stats(&self) -> Result<StoreStats, StoreError> {
        self.read(|t| {
            let version = t.get(Table::Meta, rows::VERSION_KEY)?;
            let version = version.and_then(|bytes| bytes.try_into().ok());
            let mut stats = StoreStats {
                version: version.map(u32::from_le_bytes),
                ..StoreStats::default()
            };
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
            for (_, pack) in list::all(t)? {
                stats.packs += 1;
                stats.stored_bytes += pack.committed_bytes;
            }
            Ok(stats)
        })
    }
}
