//! Writing a dataset to disk while it arrives, in order; it has its name only when it is whole.

use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

use crate::file_io::Aside;
use crate::file_io::IfExists;
use crate::file_io::put_in_place;
use crate::manifest::DatasetKind;
use crate::manifest::FileEntry;
use crate::registry::checkout::Target;
use crate::registry::checkout::begin_aside;
use crate::registry::checkout::destination;
use crate::registry::checkout::make;
use crate::registry::checkout::sized;
use crate::registry::error::Error;

/// More files than this are written by all cores, once they are here.
pub(crate) const FILES_STRAIGHT_MAX: u64 = 1024;

/// Files that are being written.
pub(crate) struct Straight<'a> {
    files: &'a [(u64, &'a FileEntry)],
    single: bool,
    dest: PathBuf,
    if_exists: IfExists,
    aside: Aside,
    /// The file whose place is `dest`, until it is begun.
    only: Option<File>,
    /// The file that is next, or being written.
    next: usize,
    open: Option<Target>,
    at: u64,
}

impl<'a> Straight<'a> {
    /// All files of a dataset of this kind, to a place; `None` where the only file is to be
    /// written through, which is for when all of it is here.
    pub(crate) fn new(
        files: &'a [(u64, &'a FileEntry)],
        kind: DatasetKind,
        (dest, if_exists): (&Path, IfExists),
    ) -> Result<Option<Self>, Error> {
        let single = kind == DatasetKind::File;
        let Some(dest) = destination(files, single, (dest, if_exists))? else {
            return Ok(None);
        };
        let (aside, only) = begin_aside(&dest, single)?;
        Ok(Some(Self {
            files,
            single,
            dest,
            if_exists,
            aside,
            only,
            next: 0,
            open: None,
            at: 0,
        }))
    }

    /// Takes the bytes that come next.
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

    fn make(&mut self, start: u64, file: &FileEntry) -> Result<Target, Error> {
        let begun = match self.only.take() {
            Some(only) => sized(only, self.aside.path(), file.size_bytes)?,
            None => make(&self.aside.path().join(&file.path), file.size_bytes)?,
        };
        Ok(Target {
            start,
            end: start.saturating_add(file.size_bytes),
            file: begun,
        })
    }

    /// Everything has come, and is what it should be: gives it its name. Where it is.
    pub(crate) fn finish(mut self) -> Result<PathBuf, Error> {
        // Empty files at the end, or alone.
        self.push(&[])?;
        let placed = put_in_place(self.aside.path(), &self.dest, self.if_exists);
        placed.map_err(|e| Error::output(&self.dest, e))?;
        Ok(self.dest.clone())
    }
}

impl Drop for Straight<'_> {
    fn drop(&mut self) {
        // After `finish` nothing is there. What cannot be removed has a name that says what it is.
        let _ = match self.single {
            true => std::fs::remove_file(self.aside.path()),
            false => std::fs::remove_dir_all(self.aside.path()),
        };
    }
}
