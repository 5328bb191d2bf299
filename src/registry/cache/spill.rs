//! A directory in the home for what a search has no room for in memory.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::path::PathBuf;

use crate::ident::to_hex;
use crate::inspect::dedup::DirectorySpill;
use crate::registry::error::Error;
use crate::registry::host;

/// A directory of one search, which goes with it. Its files have no names while they are in use, so
/// that a killed process leaves none behind.
#[derive(Debug)]
pub struct SpillDirectory {
    path: PathBuf,
    spill: DirectorySpill,
}

impl SpillDirectory {
    /// Makes one in the cache of a home; where that cannot be written, with the machine's
    /// temporary files.
    ///
    /// # Errors
    /// [`Error`] when neither can be written.
    pub fn create(home: &Path) -> Result<Self, Error> {
        let in_home = Self::create_in(home.join("cache"), "spill");
        in_home.or_else(|error| {
            let elsewhere = Self::create_in(std::env::temp_dir(), "alimentar-spill");
            elsewhere.map_err(|_| error)
        })
    }

    fn create_in(cache: PathBuf, prefix: &str) -> Result<Self, Error> {
        let fail = |e| Error::file("create", &cache, e);
        let random: [u8; 8] = host::random().map_err(fail)?;
        let path = cache.join(format!("{prefix}-{}", to_hex(&random)));
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(&path)
            .map_err(|e| Error::file("create", &path, e))?;
        Ok(Self {
            spill: DirectorySpill::new(path.clone()),
            path,
        })
    }

    /// Where it is.
    pub(in crate::registry) fn path(&self) -> &Path {
        &self.path
    }

    /// Where runs are put.
    pub fn spill(&self) -> &DirectorySpill {
        &self.spill
    }
}

impl Drop for SpillDirectory {
    fn drop(&mut self) {
        // An empty directory that stays does no harm.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
