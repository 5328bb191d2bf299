//! The handle of an open home: its paths, its locks, and transactions of its index.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::database::RedbMeta;
use crate::store::disk::io::Disk;
use crate::store::disk::io::LockGuard;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;
#[cfg(feature = "federation")]
use crate::store::disk::layout;

/// An open home. It is cheap to clone, and holds no lock between calls.
#[derive(Clone, Debug)]
pub struct DiskStore {
    pub(in crate::store::disk) disk: Arc<dyn Disk>,
    pub(in crate::store::disk) meta: Arc<RedbMeta>,
    pub(in crate::store::disk) home: PathBuf,
    pub(in crate::store::disk) is_rebuilt: bool,
}

impl DiskStore {
    /// Returns true if the index was missing and opening the store rebuilt it.
    pub fn is_rebuilt(&self) -> bool {
        self.is_rebuilt
    }

    /// Returns the path of the home; empty for a simulated disk.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Returns the directory for files that can be rebuilt; `None` on a simulated disk.
    #[cfg(feature = "registry")]
    pub(crate) fn cache_dir(&self) -> Option<PathBuf> {
        let is_real = !self.home.as_os_str().is_empty();
        is_real.then(|| self.home.join("cache"))
    }

    /// Returns the path of the index file.
    #[cfg(feature = "federation")]
    pub(crate) fn index_path(&self) -> std::path::PathBuf {
        self.home().join(layout::INDEX)
    }

    /// Waits for a named lock of the layers above and holds it alone until dropped.
    ///
    /// # Errors
    /// [`StoreError`] when the home cannot be written.
    pub fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StoreError> {
        self.disk
            .lock(name, Share::Exclusive, Wait::Yes)
            .map_err(|e| StoreError::io("lock", name, e))
    }

    /// Takes such a lock without waiting; `None` while another process holds it.
    ///
    /// # Errors
    /// [`StoreError`] when the home cannot be written.
    pub fn try_lock(&self, name: &str) -> Result<Option<Box<dyn LockGuard>>, StoreError> {
        match self.disk.lock(name, Share::Exclusive, Wait::No) {
            Ok(guard) => Ok(Some(guard)),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(e) => Err(StoreError::io("lock", name, e)),
        }
    }

    /// Runs `view` over one consistent state of the tables. Other readers run at the same time; writers
    /// wait, so `view` must be short.
    ///
    /// # Errors
    /// The error of `view`, or [`StoreError`] when the index cannot be read.
    pub fn read<T, E: From<StoreError>>(
        &self,
        view: impl FnOnce(&dyn MetaRead) -> Result<T, E>,
    ) -> Result<T, E> {
        self.meta.read(view)
    }

    /// Runs `change` as one durable transaction. If it fails, nothing changes. All others wait, so
    /// `change` must be short.
    ///
    /// # Errors
    /// The error of `change`, or [`StoreError`] when the index cannot be written.
    pub fn write<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut dyn MetaWrite) -> Result<T, E>,
    ) -> Result<T, E> {
        self.meta.write(change)
    }
}
