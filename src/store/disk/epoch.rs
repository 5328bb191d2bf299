//! Epoch guards: running operations, visible to every process. Each guard locks a file of its own under
//! `operations/`, from before its first read of the index until its end. A collection deletes nothing
//! that an operation older than its marks may have found (`gc/`), and a writer does not count on chunks that one has
//! condemned (`session_rows.rs`).

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

/// A running operation. It ends when the guard is dropped, or with the process.
#[derive(Debug)]
pub struct EpochGuard {
    disk: Arc<dyn Disk>,
    /// The guard's file; `None` where it cannot be created.
    path: Option<String>,
    /// The lock, held until the drop.
    _lock: Arc<dyn LockGuard>,
    epoch: u64,
}

impl EpochGuard {
    /// Begins an operation. Call it before the first read of the index.
    ///
    /// # Errors
    /// [`StoreError`] when the home cannot be written.
    pub fn begin(store: &DiskStore) -> Result<Self, StoreError> {
        Self::begin_beside(store, None)
    }

    /// Begins an operation within a collection, which holds the lock of collections.
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
                // A guard that cannot create its file keeps collections from beginning instead.
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
            // A collection may have removed the unlocked file as that of a dead process.
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

    /// The last collection that had condemned blobs when the operation began. Blobs that it or an
    /// earlier one condemned count as absent. Blobs that a later one condemns stay until
    /// the operation ends.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }
}

/// Returns true if no file can exist: writing is refused, or its directory could not be created.
fn cannot_be_made(error: &std::io::Error) -> bool {
    let kind = ErrorKind::of_io(error);
    is_refused(error) || matches!(kind, ErrorKind::NoSpace | ErrorKind::NotFound)
}

impl Drop for EpochGuard {
    fn drop(&mut self) {
        // The next collection removes a file that remains.
        if let Some(path) = &self.path {
            let _ = self.disk.remove(path);
        }
    }
}
