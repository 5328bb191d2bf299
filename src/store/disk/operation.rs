//! Operations: what is under way, visible to every process. Each holds a lock on a file of its
//! own under `operations/`, from before its first look at the index until its end. A collection
//! deletes nothing that an operation older than its marks may have found.

use std::sync::Arc;

use crate::ident::to_hex;
use crate::meta_store::Table;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::io::Disk;
use crate::store::disk::io::LockGuard;
use crate::store::disk::io::OpenMode;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;
use crate::store::disk::layout::OPERATIONS_DIR;
use crate::store::disk::rows;

/// One operation under way; ends when dropped, or with the process.
#[derive(Debug)]
pub struct Operation {
    disk: Arc<dyn Disk>,
    path: String,
    /// Held for its drop.
    _lock: Box<dyn LockGuard>,
    epoch: u64,
}

impl Operation {
    /// Declares an operation. Must come before its first look at the index.
    ///
    /// # Errors
    /// [`StoreError`] when the home cannot be written.
    pub fn begin(store: &DiskStore) -> Result<Self, StoreError> {
        let disk = store.disk.clone();
        loop {
            let mut random = [0; 12];
            getrandom::fill(&mut random).map_err(|e| {
                StoreError::io(
                    "name an operation in",
                    OPERATIONS_DIR,
                    std::io::Error::other(e),
                )
            })?;
            let path = format!("{OPERATIONS_DIR}/{}", to_hex(&random));
            let lock = match disk.lock(&path, Share::Exclusive, Wait::No) {
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => continue,
                other => other.map_err(|e| StoreError::io("create", &path, e))?,
            };
            // A collection may have taken the file for a dead one before it was locked.
            if disk.open(&path, OpenMode::Existing).is_ok() {
                let epoch = store.read(|t| {
                    let row = t.get(Table::Meta, rows::EPOCH_KEY)?;
                    Ok::<_, StoreError>(rows::decode_counter(row, Table::Meta)?)
                });
                let mut operation = Self {
                    disk,
                    path,
                    _lock: lock,
                    epoch: 0,
                };
                operation.epoch = epoch?;
                return Ok(operation);
            }
        }
    }

    /// The last collection that had condemned anything when this began. What it and those before
    /// condemned counts as absent; what later ones condemn is kept until this ends.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        // What stays behind is removed by the next collection.
        let _ = self.disk.remove(&self.path);
    }
}
