//! Sketch cache: similarity sketches of the rows of a dataset, in the home. Normative:
//! `spec/sketch-cache.md`.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::inspect::dedup::NewSketches;
use crate::inspect::dedup::SketchCache;
use crate::read_at::ReadAt;
use crate::registry::cache::files::CacheFiles;
use crate::registry::cache::files::CacheKind;
use crate::registry::cache::files::create_partial;
use crate::wire::limits::PRINT_CACHE_BYTES_MAX;
use crate::wire::limits::PRINT_FILES_MAX;

/// Cache entry for the sketches of one dataset.
#[derive(Debug)]
pub struct SketchFiles {
    cache: CacheFiles,
    dataset: String,
}

impl SketchFiles {
    /// Returns the entry of a dataset, by its name without a version, in the cache of a home.
    pub fn of(dataset: String, home: &Path) -> Self {
        Self {
            cache: CacheFiles::new(home, CACHE),
            dataset,
        }
    }

    fn path(&self, parameters: &[u8; 32]) -> PathBuf {
        let of = [&parameters[..], self.dataset.as_bytes()].concat();
        self.cache.path(&of)
    }
}

impl SketchCache for SketchFiles {
    fn open(&self, parameters: &[u8; 32]) -> Option<Box<dyn ReadAt>> {
        let file = File::open(self.path(parameters)).ok()?;
        Some(Box::new(file))
    }

    fn create(&self, parameters: &[u8; 32]) -> io::Result<Box<dyn NewSketches>> {
        self.cache.make_directory()?;
        let path = self.path(parameters);
        let (partial, file) = create_partial(&path)?;
        Ok(Box::new(PartialFile {
            file,
            partial,
            path,
            cache: self.cache.clone(),
        }))
    }
}

struct PartialFile {
    file: File,
    partial: PathBuf,
    path: PathBuf,
    cache: CacheFiles,
}

impl NewSketches for PartialFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn commit(self: Box<Self>) -> io::Result<()> {
        // A power cut may leave a part of the file. Its checksum detects that.
        fs::rename(&self.partial, &self.path)?;
        self.cache.remove_oldest();
        Ok(())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // Already gone after a rename.
        let _ = fs::remove_file(&self.partial);
    }
}

/// Sketches in a home. A file of them is never read as a whole.
const CACHE: CacheKind = CacheKind {
    name: "prints",
    files_max: PRINT_FILES_MAX,
    bytes_max: PRINT_CACHE_BYTES_MAX,
    file_bytes_max: 0,
};
