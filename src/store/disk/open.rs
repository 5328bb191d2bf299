//! Opening a home, and rebuilding its index.

use std::cell::RefCell;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::meta_store::MetaWrite;
use crate::store::disk::error::StoreError;
use crate::store::disk::home;
use crate::store::disk::index::database::IndexBuild;
use crate::store::disk::index::database::RedbMeta;
use crate::store::disk::io::Disk;
use crate::store::disk::io::real::RealDisk;
use crate::store::disk::rebuild;
use crate::store::disk::rebuild::Refill;
use crate::store::disk::rebuild::old_index::OldIndex;
use crate::store::disk::store::DiskStore;

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
}
