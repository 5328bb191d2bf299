//! Prints of rows of a dataset, kept in the home. Normative: `spec/prints.md`.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::ident::to_hex;
use crate::inspect::dup::NewPrints;
use crate::inspect::dup::PrintCache;
use crate::read_at::ReadAt;
use crate::registry::cache_files::keep_newest;
use crate::registry::host;
use crate::wire::limits::PRINT_CACHE_BYTES_MAX;
use crate::wire::limits::PRINT_FILES_MAX;

/// Where the prints of one dataset are kept.
#[derive(Debug)]
pub struct KeptPrints {
    dir: PathBuf,
    dataset: String,
}

impl KeptPrints {
    /// Those of a dataset, by its name without a version, in the cache of a home.
    pub fn of(dataset: String, home: &Path) -> Self {
        Self {
            dir: home.join("cache").join("prints"),
            dataset,
        }
    }

    fn path(&self, parameters: &[u8; 32]) -> PathBuf {
        let mut hasher = blake3::Hasher::new();
        hasher.update(parameters).update(self.dataset.as_bytes());
        let hash = hasher.finalize();
        let name = hash.as_bytes().first_chunk::<16>();
        let name = to_hex(name.map_or(&[], |n| n.as_slice()));
        self.dir.join(name + ".prints")
    }
}

impl PrintCache for KeptPrints {
    fn open(&self, parameters: &[u8; 32]) -> Option<Box<dyn ReadAt>> {
        let file = File::open(self.path(parameters)).ok()?;
        Some(Box::new(file))
    }

    fn create(&self, parameters: &[u8; 32]) -> io::Result<Box<dyn NewPrints>> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.dir)?;
        let path = self.path(parameters);
        let noise: [u8; 6] = host::random()?;
        let aside = path.with_extension(format!("new-{}", to_hex(&noise)));
        let mut options = File::options();
        options.write(true).create_new(true).mode(0o600);
        Ok(Box::new(Aside {
            file: options.open(&aside)?,
            aside,
            path,
        }))
    }
}

struct Aside {
    file: File,
    aside: PathBuf,
    path: PathBuf,
}

impl NewPrints for Aside {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn commit(self: Box<Self>) -> io::Result<()> {
        // A power cut may leave a part of it; its check tells.
        fs::rename(&self.aside, &self.path)?;
        if let Some(dir) = self.path.parent() {
            keep_newest(dir, PRINT_FILES_MAX, PRINT_CACHE_BYTES_MAX);
        }
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // Gone already, where it was renamed.
        let _ = fs::remove_file(&self.aside);
    }
}
