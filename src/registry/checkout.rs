//! Writing a dataset, or one file of it, back to disk. Every chunk is checked against its hash
//! before it is written; what is written has its name only when it is whole.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;

use crate::catalog::Dataset;
use crate::manifest::DatasetKind;
use crate::manifest::FileEntry;
use crate::manifest::TreeWalk;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::read::Placed;
use crate::registry::read::WINDOW_CHUNKS;
use crate::registry::read::each_chunk;
use crate::registry::verify::blamed;
use crate::store::disk::BlobReader;

/// What a checkout wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckoutReport {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A file to be written and which of the dataset's bytes it is.
struct Target {
    start: u64,
    end: u64,
    file: File,
}

impl LocalRegistry {
    /// Writes a dataset to `dest`: a file, or a directory of files; with `path`, that one file.
    /// Where `dest` is an existing directory, a single file goes into it.
    ///
    /// # Errors
    /// [`Error::Exists`] when that would overwrite something, [`Error::Corrupt`] when stored
    /// bytes are damaged; nothing stays at `dest` then.
    pub fn checkout(
        &self,
        dataset: &Dataset,
        path: Option<&str>,
        dest: &Path,
        progress: &dyn Progress,
    ) -> Result<CheckoutReport, Error> {
        let reader = BlobReader::new(&self.store)?;
        let table = self.files_by(&reader, &dataset.manifest)?;
        let mut chosen: Vec<(u64, &FileEntry)> = table.with_offsets().collect();
        if let Some(path) = path {
            chosen.retain(|(_, f)| f.path == path);
            if chosen.is_empty() {
                let dataset = dataset.manifest.name.to_string();
                return Err(Error::NoSuchFile {
                    path: path.to_owned(),
                    dataset,
                });
            }
        }
        let single = path.is_some() || dataset.manifest.dataset_kind == DatasetKind::File;
        let dest = match chosen.first() {
            Some((_, only)) if single && dest.is_dir() => {
                dest.join(only.path.rsplit('/').next().unwrap_or(&only.path))
            }
            _ => dest.to_owned(),
        };
        if dest.symlink_metadata().is_ok() {
            return Err(Error::Exists(dest));
        }
        let aside = beside(&dest)?;
        let bytes = chosen.iter().map(|(_, f)| f.size_bytes).sum();
        progress.phase("checking out", Some(bytes));
        let written = self
            .write_files(&reader, dataset, &chosen, single, &aside, progress)
            .and_then(|()| {
                std::fs::rename(&aside, &dest).map_err(|e| Error::file("create", &dest, e))
            });
        if let Err(error) = written {
            // What cannot be removed has a name that says it is a leftover.
            let _ = if single {
                std::fs::remove_file(&aside)
            } else {
                std::fs::remove_dir_all(&aside)
            };
            return Err(error);
        }
        Ok(CheckoutReport {
            files: chosen.len() as u64,
            bytes,
        })
    }

    /// Writes a dataset's bytes, or one file's, to `out` in order.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::Corrupt`], or what `out` reports.
    pub fn cat(
        &self,
        dataset: &Dataset,
        path: Option<&str>,
        out: &mut dyn Write,
    ) -> Result<u64, Error> {
        let reader = BlobReader::new(&self.store)?;
        let table = self.files_by(&reader, &dataset.manifest)?;
        let (start, end) = match path {
            None => (0, dataset.manifest.size_bytes),
            Some(path) => {
                let found = table.with_offsets().find(|(_, f)| f.path == path);
                let name = dataset.manifest.name.to_string();
                let missing = || Error::NoSuchFile {
                    path: path.to_owned(),
                    dataset: name,
                };
                let (at, file) = found.ok_or_else(missing)?;
                (at, at.saturating_add(file.size_bytes))
            }
        };
        let write = |e| Error::file("write", "standard output", e);
        self.each_window(&reader, dataset, &table, start, end, &mut |at, bytes| {
            let from = usize::try_from(start.saturating_sub(at)).unwrap_or(usize::MAX);
            let until = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
            let part = bytes.get(from.min(bytes.len())..until.min(bytes.len()));
            out.write_all(part.unwrap_or_default()).map_err(write)
        })?;
        out.flush().map_err(write)?;
        Ok(end - start)
    }

    fn write_files(
        &self,
        reader: &BlobReader,
        dataset: &Dataset,
        chosen: &[(u64, &FileEntry)],
        single: bool,
        aside: &Path,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        if !single {
            std::fs::create_dir_all(aside).map_err(|e| Error::file("create", aside, e))?;
        }
        for group in chosen.chunks(FILES_OPEN_MAX) {
            let mut targets = Vec::new();
            for (start, entry) in group {
                let path = if single {
                    aside.to_owned()
                } else {
                    aside.join(&entry.path)
                };
                let file = make(&path, entry.size_bytes)?;
                targets.push(Target {
                    start: *start,
                    end: start + entry.size_bytes,
                    file,
                });
            }
            self.fill(reader, dataset, chosen, &targets, progress)?;
        }
        Ok(())
    }

    fn fill(
        &self,
        reader: &BlobReader,
        dataset: &Dataset,
        chosen: &[(u64, &FileEntry)],
        targets: &[Target],
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let (Some(first), Some(last)) = (targets.first(), targets.last()) else {
            return Ok(());
        };
        let m = &dataset.manifest;
        let mut walk = TreeWalk::new(reader, m.chunk_tree_root, m.size_bytes, first.start)?;
        let mut done = false;
        while !done {
            let mut window: Vec<Placed> = Vec::new();
            while window.len() < WINDOW_CHUNKS && !done {
                match walk.next() {
                    Some(placed) => {
                        let placed = placed?;
                        done = placed.0 >= last.end;
                        if !done {
                            window.push(placed);
                        }
                    }
                    None => done = true,
                }
            }
            each_chunk(reader, &window, &|at, bytes| {
                progress.advance(bytes.len() as u64);
                if progress.cancelled() {
                    return Err(Error::Interrupted);
                }
                spread(targets, at, bytes)
            })
            .map_err(|(at, e)| blamed(dataset, chosen.iter().copied(), at, e))?;
        }
        Ok(())
    }
}

/// Files kept open at a time while they are filled.
const FILES_OPEN_MAX: usize = 256;

/// Writes the parts of a chunk to the files they belong to; zeros become holes.
fn spread(targets: &[Target], at: u64, bytes: &[u8]) -> Result<(), Error> {
    let end = at + bytes.len() as u64;
    let from = targets.partition_point(|t| t.end <= at);
    for target in targets.iter().skip(from).take_while(|t| t.start < end) {
        let (low, high) = (at.max(target.start), end.min(target.end));
        // Both lie within the chunk.
        let range = (low - at) as usize..(high.max(low) - at) as usize;
        let part = bytes.get(range).unwrap_or_default();
        if part.iter().any(|b| *b != 0) {
            target
                .file
                .write_all_at(part, low - target.start)
                .map_err(|e| Error::file("write", "the checkout", e))?;
        }
    }
    Ok(())
}

fn make(path: &Path, size_bytes: u64) -> Result<File, Error> {
    let fail = |e| Error::file("create", path, e);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(fail)?;
    }
    let file = File::create_new(path).map_err(fail)?;
    file.set_len(size_bytes).map_err(fail)?;
    Ok(file)
}

/// A name beside the destination that nobody else uses.
fn beside(dest: &Path) -> Result<PathBuf, Error> {
    let fail = |e| Error::file("create", dest, e);
    let random: [u8; 6] = host::random().map_err(fail)?;
    let name = dest
        .file_name()
        .ok_or_else(|| Error::NotAFile(dest.to_owned()))?;
    let mut aside = std::ffi::OsString::from(".");
    aside.push(name);
    aside.push(format!(".partial-{}", crate::ident::to_hex(&random)));
    Ok(dest.with_file_name(aside))
}
