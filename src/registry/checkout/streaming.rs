//! Streaming checkout: writes a dataset to disk while it arrives in order. It gets its final name
//! only when it is complete.

use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::IfExists;
use crate::file_io::TemporaryPath;
use crate::file_io::put_in_place;
use crate::manifest::DatasetKind;
use crate::manifest::FileEntry;
use crate::registry::checkout::CheckoutFile;
use crate::registry::checkout::begin_partial;
use crate::registry::checkout::destination;
use crate::registry::checkout::make;
use crate::registry::checkout::with_length;
use crate::registry::error::Error;

/// Maximum number of files for a streaming checkout. All cores write a larger number later.
pub(crate) const STREAMED_FILES_MAX: u64 = 1024;

/// Files that are being written.
pub(crate) struct StreamingCheckout<'a> {
    files: &'a [(u64, &'a FileEntry)],
    single: bool,
    dest: PathBuf,
    if_exists: IfExists,
    partial: TemporaryPath,
    /// The single file that goes to `dest`, until it is begun.
    only: Option<File>,
    /// Number of the next or current file.
    next: usize,
    open: Option<CheckoutFile>,
    at: u64,
}

impl<'a> StreamingCheckout<'a> {
    /// Starts a checkout of all files to `dest`. Returns `None` if a single file is to be written
    /// directly, which is done when all of it is held.
    pub(crate) fn new(
        files: &'a [(u64, &'a FileEntry)],
        kind: DatasetKind,
        (dest, if_exists): (&Path, IfExists),
    ) -> Result<Option<Self>, Error> {
        let single = kind == DatasetKind::File;
        let Some(dest) = destination(files, single, (dest, if_exists))? else {
            return Ok(None);
        };
        let (partial, only) = begin_partial(&dest, single)?;
        Ok(Some(Self {
            files,
            single,
            dest,
            if_exists,
            partial,
            only,
            next: 0,
            open: None,
            at: 0,
        }))
    }

    /// Writes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let (start, end) = (self.at, self.at.saturating_add(bytes.len() as u64));
        self.at = end;
        while let Some((from, file)) = self.files.get(self.next) {
            if *from >= end && file.size_bytes > 0 {
                break;
            }
            let target = match self.open.take() {
                Some(target) => target,
                None => self.make(*from, file)?,
            };
            target.write(start, bytes)?;
            if target.end > end {
                self.open = Some(target);
                break;
            }
            self.next += 1;
        }
        Ok(())
    }

    fn make(&mut self, start: u64, file: &FileEntry) -> Result<CheckoutFile, Error> {
        let begun = match self.only.take() {
            Some(only) => with_length(only, self.partial.path(), file.size_bytes)?,
            None => make(&self.partial.path().join(&file.path), file.size_bytes)?,
        };
        Ok(CheckoutFile {
            start,
            end: start.saturating_add(file.size_bytes),
            file: begun,
        })
    }

    /// Gives the complete files their final name, and returns that path.
    pub(crate) fn finish(mut self) -> Result<PathBuf, Error> {
        // Empty files at the end, or alone.
        self.push(&[])?;
        let placed = put_in_place(self.partial.path(), &self.dest, self.if_exists);
        placed.map_err(|e| Error::output(&self.dest, e))?;
        Ok(self.dest.clone())
    }
}

impl Drop for StreamingCheckout<'_> {
    fn drop(&mut self) {
        // Nothing is left after `finish`. A leftover that cannot be removed has a name that
        // identifies it.
        let _ = if self.single {
            std::fs::remove_file(self.partial.path())
        } else {
            std::fs::remove_dir_all(self.partial.path())
        };
    }
}
