//! Opens a registry, and rebuilds a lost index.

use std::path::Path;
use std::sync::Arc;

use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::integrity::rebuild::refill;
use crate::registry::sizes::Sizes;
use crate::registry::step::Step;
use crate::store::disk::DiskStore;
use crate::store::disk::io::Disk;

impl LocalRegistry {
    /// Opens the registry in a directory, and creates it if there is none.
    ///
    /// # Errors
    /// [`Error`] when the home cannot be created or read, or a newer version wrote it.
    pub fn open(home: &Path) -> Result<Self, Error> {
        let _step = Step::begin("open", home.display());
        Ok(Self {
            store: DiskStore::open(home, &refill)?,
            sizes: Sizes::default(),
        })
    }

    /// Opens the registry on any disk. It has no home directory, so it uses no caches and no trust
    /// file.
    ///
    /// # Errors
    /// As [`LocalRegistry::open`].
    pub fn on(disk: Arc<dyn Disk>) -> Result<Self, Error> {
        Ok(Self {
            store: DiskStore::on(disk, &refill)?,
            sizes: Sizes::default(),
        })
    }
}
