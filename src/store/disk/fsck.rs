//! Reading everything: every page of the index, every record that it names, every blob's hash.

use crate::blob_store::BlobKey;
use crate::ident::BlobId;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::progress::Progress;
use crate::store::disk::BlobReader;
use crate::store::disk::DiskStore;
use crate::store::disk::Location;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;

/// What a check of the store found.
#[derive(Clone, Debug, Default)]
pub struct FsckReport {
    /// Blobs that were read and hashed.
    pub checked: u64,
    /// Blobs that are damaged or cannot be found where the index says.
    pub corrupt: Vec<BlobKey>,
}

impl DiskStore {
    /// Checks the index and every blob it names.
    ///
    /// # Errors
    /// [`StoreError`] when the index itself is damaged; damaged blobs are in the report.
    pub fn fsck(&self, progress: &dyn Progress) -> Result<FsckReport, StoreError> {
        self.meta.check()?;
        let reader = BlobReader::new(self)?;
        let mut blobs = self.read(|t| {
            let mut found: Vec<Result<(BlobKey, Location), StoreError>> = Vec::new();
            t.scan(Table::Blobs, &[], &mut |key, value| {
                let row = || Ok((rows::decode_blob_key(key)?, rows::decode_location(value)?));
                found.push(row());
                Scan::Continue
            })?;
            found.into_iter().collect::<Result<Vec<_>, StoreError>>()
        })?;
        blobs.sort_by_key(|(_, at)| (at.pack, at.offset, at.item));
        let total = blobs.iter().map(|(_, at)| u64::from(at.raw_bytes)).sum();
        progress.phase("checking", Some(total));
        let mut report = FsckReport::default();
        for (key, at) in &blobs {
            progress.advance(u64::from(at.raw_bytes));
            if progress.cancelled() {
                return Err(StoreError::Interrupted);
            }
            report.checked += 1;
            let whole = reader
                .record(key, at)
                .ok()
                .and_then(|r| r.item(key, at.item).map(|b| BlobId::of(b) == key.id));
            if whole != Some(true) {
                report.corrupt.push(*key);
            }
        }
        Ok(report)
    }
}
