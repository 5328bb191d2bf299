//! The disk store: a registry's home with packs for bytes and redb for their locations. Several
//! processes share both without waiting for each other's long work. Normative: `spec/store-layout.md`.
//!
//! - `index`: the database; `pack`: appending and reading blobs; `session`: one writer, and
//!   `session_rows` the rows that it commits
//! - `gc`, `epoch`: collection, and the operations that it waits for
//! - `rebuild`: an index from the packs; `fsck`, `stats`: checks and figures
//! - `io`: the disk trait; `home`, `layout`, `reserve`: the directory
//! - `error`: the errors

pub(crate) mod epoch;
mod error;
mod fsck;
mod gc;
mod home;
pub(crate) mod index;
pub mod io;
mod layout;
pub(crate) mod pack;
mod rebuild;
mod reserve;
mod session;
mod session_rows;
mod stats;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

pub use crate::store::disk::epoch::EpochGuard;
pub use crate::store::disk::io::real::RealDisk;
pub use crate::store::disk::pack::location::Location;
pub use crate::store::disk::pack::reader::BlobReader;
pub use crate::store::disk::pack::reader::Unpacked;
pub use crate::store::disk::rebuild::old_index::OldIndex;
pub use crate::store::disk::rebuild::unreadable::Span;
pub use error::StoreError;
pub use fsck::FsckReport;
pub use gc::Deferred;
pub use gc::GcOptions;
pub use gc::GcReport;
pub use gc::KEEP_DAYS;
pub use gc::Restorable;
pub use gc::RootSet;
pub use gc::Roots;
pub use home::HomeFault;
pub use home::home_fault;
pub use layout::STORE_VERSION;
pub use rebuild::Recovered;
pub use rebuild::Refill;
pub use rebuild::Salvage;
pub use session::AlsoRows;
pub use session::Entry;
pub use session::SessionStats;
pub use session::WriteSession;
pub use stats::StoreStats;

use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::store::disk::index::database::IndexBuild;
use crate::store::disk::index::database::RedbMeta;
use crate::store::disk::io::Disk;
pub use crate::store::disk::io::LockGuard;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;

/// An open home. It is cheap to clone, and holds no lock between calls.
#[derive(Clone, Debug)]
pub struct DiskStore {
    disk: Arc<dyn Disk>,
    meta: Arc<RedbMeta>,
    home: PathBuf,
    is_rebuilt: bool,
}

impl DiskStore {
    /// Opens the home at a path, and creates it when there is none. It rebuilds a missing index from
    /// existing packs, with `refill`.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be created or read, or a newer version wrote it.
    pub fn open(home: &Path, refill: &Refill) -> Result<Self, StoreError> {
        home::prepare(home);
        let disk = RealDisk::open(home).map_err(|e| StoreError::io("open", home, e))?;
        home::claim_packs(home)?;
        let store = Self::on(Arc::new(disk), refill)?;
        Ok(Self {
            home: home.to_owned(),
            ..store
        })
    }

    /// Opens the home on any disk; tests pass a simulated one.
    ///
    /// # Errors
    /// As [`DiskStore::open`].
    pub fn on(disk: Arc<dyn Disk>, refill: &Refill) -> Result<Self, StoreError> {
        let (meta, is_rebuilt) = Self::making(&disk, refill, &|making| {
            RedbMeta::open(disk.clone(), making)
        })?;
        Ok(Self {
            disk,
            meta: Arc::new(meta),
            home: PathBuf::new(),
            is_rebuilt,
        })
    }

    /// Replaces the index of the home at a path by one made from the packs, and from the readable part
    /// of the old one, which may be damaged beyond opening. The replacement is atomic.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails, or a pack cannot be read for now, or a newer version wrote
    /// it. The index is then unchanged.
    pub fn rebuild(home: &Path, refill: &Refill) -> Result<(), StoreError> {
        home::prepare(home);
        let disk = RealDisk::open(home).map_err(|e| StoreError::io("open", home, e))?;
        home::claim_packs(home)?;
        Self::rebuild_on(Arc::new(disk), refill)
    }

    /// Rebuilds the index on any disk.
    ///
    /// # Errors
    /// As [`DiskStore::rebuild`].
    pub fn rebuild_on(disk: Arc<dyn Disk>, refill: &Refill) -> Result<(), StoreError> {
        let meta = RedbMeta::new(disk.clone());
        Self::making(&disk, refill, &|making| meta.replace(making))
    }

    /// Calls `work`, which may create an index, with the steps to do so.
    fn making<T>(
        disk: &Arc<dyn Disk>,
        refill: &Refill,
        call: &dyn Fn(&IndexBuild<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let made: RefCell<Vec<String>> = RefCell::default();
        let fill = |tables: &mut dyn MetaWrite, old: Option<&OldIndex<'_>>| {
            rebuild::rebuild(disk, tables, old, refill, &mut |path| {
                made.borrow_mut().push(path);
            })
        };
        let undo = || {
            for path in made.borrow_mut().drain(..) {
                // A leftover only repeats what the next rebuild finds anyhow.
                let _ = disk.remove(&path);
            }
        };
        call(&IndexBuild {
            fill: &fill,
            undo: &undo,
        })
    }

    /// Returns true if the index was missing and opening the store rebuilt it.
    pub fn is_rebuilt(&self) -> bool {
        self.is_rebuilt
    }

    /// Returns the path of the home; empty for a simulated disk.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Returns the directory for files that can be rebuilt; `None` on a simulated disk.
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
