//! Operations: what is under way, visible to every process. Each holds a lock on a file of its
//! own under `operations/`, from before its first look at the index until its end. A collection
//! deletes nothing that an operation older than its marks may have found.

use std::sync::Arc;

use crate::error_kind::ErrorKind;
use crate::ident::to_hex;
use crate::meta_store::Table;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;
use crate::store::disk::io::Disk;
use crate::store::disk::io::LockGuard;
use crate::store::disk::io::OpenMode;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;
use crate::store::disk::io::is_refused;
use crate::store::disk::layout::GC_LOCK;
use crate::store::disk::layout::OPERATIONS_DIR;

/// One operation under way; ends when dropped, or with the process.
#[derive(Debug)]
pub struct EpochGuard {
    disk: Arc<dyn Disk>,
    /// Its file; none where none can be made.
    path: Option<String>,
    /// Held for its drop.
    _lock: Arc<dyn LockGuard>,
    epoch: u64,
}

impl EpochGuard {
    /// Declares an operation. Must come before its first look at the index.
    ///
    /// # Errors
    /// [`StoreError`] when the home cannot be written.
    pub fn begin(store: &DiskStore) -> Result<Self, StoreError> {
        Self::begin_beside(store, None)
    }

    /// The same within a collection, which holds the lock of collections.
    pub(crate) fn within_collection(
        store: &DiskStore,
        turn: &Arc<dyn LockGuard>,
    ) -> Result<Self, StoreError> {
        Self::begin_beside(store, Some(turn))
    }

    fn begin_beside(
        store: &DiskStore,
        turn: Option<&Arc<dyn LockGuard>>,
    ) -> Result<Self, StoreError> {
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
                // Who cannot say that it is at work keeps collections from beginning instead.
                Err(e) if cannot_be_made(&e) => {
                    let lock: Arc<dyn LockGuard> = match turn {
                        Some(turn) => turn.clone(),
                        None => disk
                            .lock(GC_LOCK, Share::Shared, Wait::Yes)
                            .map_err(|e| StoreError::io("lock", GC_LOCK, e))?
                            .into(),
                    };
                    return Self::epoch_of(store).map(|epoch| Self {
                        disk,
                        path: None,
                        _lock: lock,
                        epoch,
                    });
                }
                other => other.map_err(|e| StoreError::io("create", &path, e))?,
            };
            // A collection may have taken the file for a dead one before it was locked.
            if disk.open(&path, OpenMode::Existing).is_ok() {
                let mut operation = Self {
                    disk,
                    path: Some(path),
                    _lock: lock.into(),
                    epoch: 0,
                };
                operation.epoch = Self::epoch_of(store)?;
                return Ok(operation);
            }
        }
    }

    fn epoch_of(store: &DiskStore) -> Result<u64, StoreError> {
        store.read(|t| {
            let row = t.get(Table::Meta, rows::EPOCH_KEY)?;
            Ok(rows::decode_counter(row, Table::Meta)?)
        })
    }

    /// The last collection that had condemned anything when this began. What it and those before
    /// condemned counts as absent; what later ones condemn is kept until this ends.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }
}

/// Whether there can be no file: nothing can be written, or its directory could not be made.
fn cannot_be_made(error: &std::io::Error) -> bool {
    let kind = ErrorKind::of_io(error);
    is_refused(error) || matches!(kind, ErrorKind::NoSpace | ErrorKind::NotFound)
}

impl Drop for EpochGuard {
    fn drop(&mut self) {
        // What stays behind is removed by the next collection.
        if let Some(path) = &self.path {
            let _ = self.disk.remove(path);
        }
    }
}
