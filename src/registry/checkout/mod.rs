//! Writing a dataset, or one file of it, back to disk. Every chunk is checked against its hash
//! before it is written; what is written has its name only when it is whole.

pub(crate) mod read_chunks;
pub(crate) mod small_files;
pub(crate) mod streaming;

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;

use crate::catalog::Dataset;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::file_io::Aside;
use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::file_io::Place;
use crate::file_io::place_of;
use crate::file_io::put_in_place;
use crate::manifest::FileEntry;
use crate::manifest::TreeWalk;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::checkout::read_chunks::Placed;
use crate::registry::checkout::read_chunks::WINDOW_CHUNKS;
use crate::registry::checkout::read_chunks::each_chunk;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::integrity::verify::blamed;
use crate::registry::step::Step;
use crate::registry::working_copy::Chosen;
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
pub(crate) struct Target {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) file: File,
}

impl LocalRegistry {
    /// Writes a dataset to `dest`: a file, or a directory of files; with `path`, that one file, what is
    /// in that directory of the dataset, or the files that a glob matches. Where `dest` is an existing
    /// directory, a single file goes into it.
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
        self.checkout_over(dataset, path, (dest, IfExists::Refuse), progress)
    }

    /// The same, where a plain file at `dest` may be replaced by a single file. A single file is
    /// written through where `dest` is a pipe, a device, or `-` for standard output; what was
    /// written before damage was found stays written then.
    ///
    /// # Errors
    /// As [`LocalRegistry::checkout`].
    pub fn checkout_over(
        &self,
        dataset: &Dataset,
        path: Option<&str>,
        (dest, if_exists): (&Path, IfExists),
        progress: &dyn Progress,
    ) -> Result<CheckoutReport, Error> {
        let _step = Step::begin("check out to", dest.display());
        let reader = self.reader_of(dataset)?;
        let table = self.files_by(&reader, &dataset.manifest)?;
        let chosen = Chosen::of(&table, &dataset.manifest, path)?;
        let (files, single) = (&chosen.files, chosen.single);
        let bytes = chosen.bytes();
        progress.phase("checking out", Some(bytes));
        let Some(dest) = destination(files, single, (dest, if_exists))? else {
            let only = files.first().map(|(_, file)| file.path.as_str());
            let fail = |e| Error::output(dest, e);
            let mut to = OutputFile::create(dest, if_exists, None).map_err(fail)?;
            self.cat(dataset, only, &mut to, progress)?;
            to.finish().map_err(fail)?;
            return Ok(CheckoutReport { files: 1, bytes });
        };
        let (aside, only) = begin_aside(&dest, single)?;
        let place = || {
            let inside = aside.path().join(&chosen.below);
            let from = if single { aside.path() } else { &inside };
            put_in_place(from, &dest, if_exists).map_err(|e| Error::output(&dest, e))
        };
        let written = self.write_files(&reader, dataset, files, (only, aside.path()), progress);
        let placed_at = host::now();
        let written = written.and_then(|()| place());
        // Of a directory inside the dataset, what was above it is left.
        if written.is_err() || !chosen.below.is_empty() {
            // What cannot be removed has a name that says it is a leftover.
            let _ = if single {
                std::fs::remove_file(aside.path())
            } else {
                std::fs::remove_dir_all(aside.path())
            };
        }
        written?;
        self.note_checkout((&dest, placed_at), dataset, path, &chosen);
        Ok(CheckoutReport {
            files: files.len() as u64,
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
        progress: &dyn Progress,
    ) -> Result<u64, Error> {
        let reader = self.reader_of(dataset)?;
        let table = self.files_by(&reader, &dataset.manifest)?;
        let files: Vec<(u64, &FileEntry)> = table.with_offsets().collect();
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
        let write = |e| Error::machine("write to standard output", e);
        self.each_window(
            &reader,
            &dataset.manifest,
            &files,
            start,
            end,
            &mut |at, bytes| {
                let from = usize::try_from(start.saturating_sub(at)).unwrap_or(usize::MAX);
                let until = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
                if progress.cancelled() {
                    return Err(Error::Interrupted);
                }
                let part = bytes.get(from.min(bytes.len())..until.min(bytes.len()));
                out.write_all(part.unwrap_or_default()).map_err(write)
            },
        )?;
        out.flush().map_err(write)?;
        Ok(end - start)
    }

    /// Writes files below a directory, or one file into the file that was begun for it.
    pub(crate) fn write_files(
        &self,
        reader: &BlobReader,
        dataset: &Dataset,
        chosen: &[(u64, &FileEntry)],
        (mut only, dir): (Option<File>, &Path),
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let single = only.is_some();
        let small = |f: &FileEntry| !single && f.size_bytes < CHUNK_BYTES_MAX as u64;
        // Small files are read together where they lie one after the other.
        let joins = |(at, a): &(u64, &FileEntry), (next, b): &(u64, &FileEntry)| {
            small(a) && small(b) && at.saturating_add(a.size_bytes) == *next
        };
        for run in chosen.chunk_by(joins) {
            match run {
                [(start, entry)] if !small(entry) => {
                    let file = match only.take() {
                        Some(file) => sized(file, dir, entry.size_bytes)?,
                        None => make(&dir.join(&entry.path), entry.size_bytes)?,
                    };
                    let target = Target {
                        start: *start,
                        end: start + entry.size_bytes,
                        file,
                    };
                    self.fill(reader, dataset, run, &target, progress)?;
                }
                _ => self.write_small_files(reader, dataset, run, dir, progress)?,
            }
        }
        Ok(())
    }

    /// Writes one file with all cores, in any order.
    fn fill(
        &self,
        reader: &BlobReader,
        dataset: &Dataset,
        files: &[(u64, &FileEntry)],
        target: &Target,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let m = &dataset.manifest;
        let blame = |at, e| blamed(m, files.iter().copied(), at, e);
        let mut walk = TreeWalk::new(reader, m.chunk_tree_root, m.size_bytes, target.start)
            .map_err(|e| blame(target.start, e.into()))?;
        loop {
            let mut window: Vec<Placed> = Vec::new();
            while window.len() < WINDOW_CHUNKS && walk.offset() < target.end {
                let at = walk.offset();
                match walk.next() {
                    Some(placed) => window.push(placed.map_err(|e| blame(at, e.into()))?),
                    None => break,
                }
            }
            if window.is_empty() {
                return Ok(());
            }
            each_chunk(reader, &window, &|at, bytes| {
                progress.advance(bytes.len() as u64);
                if progress.cancelled() {
                    return Err(Error::Interrupted);
                }
                target.write(at, bytes)
            })
            .map_err(|(at, e)| blame(at, e))?;
        }
    }
}

impl Target {
    /// Writes the part of a chunk that belongs to the file; zeros become holes.
    pub(crate) fn write(&self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        let end = at + bytes.len() as u64;
        let (low, high) = (at.max(self.start), end.min(self.end));
        // Both lie within the chunk.
        let range = low.saturating_sub(at) as usize..high.saturating_sub(at) as usize;
        let part = bytes.get(range).unwrap_or_default();
        if part.iter().all(|b| *b == 0) {
            return Ok(());
        }
        self.file
            .write_all_at(part, low - self.start)
            .map_err(|e| Error::machine("write the files", e))
    }
}

/// Where files go: a single one into a directory that is there, and nothing over what is there, but
/// a single file over a plain file where that may be replaced. `None` where a single file is
/// written through.
pub(crate) fn destination(
    files: &[(u64, &FileEntry)],
    single: bool,
    (dest, if_exists): (&Path, IfExists),
) -> Result<Option<PathBuf>, Error> {
    let dest = match files.first() {
        Some((_, only)) if single && dest.is_dir() => {
            dest.join(only.path.rsplit('/').next().unwrap_or(&only.path))
        }
        _ => dest.to_owned(),
    };
    match place_of(&dest).map_err(|e| Error::output(&dest, e))? {
        Place::Free(real) => Ok(Some(real)),
        Place::Plain(real) if single && if_exists == IfExists::Replace => Ok(Some(real)),
        Place::Plain(_) | Place::Directory => Err(Error::Exists(dest)),
        Place::Through | Place::StandardOutput if single => Ok(None),
        Place::Through | Place::StandardOutput => {
            let why = std::io::Error::other("a directory of files cannot be written as one stream");
            Err(Error::output(dest, why))
        }
    }
}

pub(crate) fn make(path: &Path, size_bytes: u64) -> Result<File, Error> {
    let fail = |e| Error::file("create", path, e);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(fail)?;
    }
    let file = File::create_new(path).map_err(fail)?;
    sized(file, path, size_bytes)
}

/// Gives a file its length.
pub(crate) fn sized(file: File, path: &Path, size_bytes: u64) -> Result<File, Error> {
    let sized = file.set_len(size_bytes);
    sized.map_err(|e| Error::file("write", path, e))?;
    Ok(file)
}

/// Begins a directory beside its place, or a single file, whose handle comes too.
pub(crate) fn begin_aside(dest: &Path, single: bool) -> Result<(Aside, Option<File>), Error> {
    let begun = match single {
        true => Aside::file(dest, None).map(|(aside, file)| (aside, Some(file))),
        false => Aside::directory(dest).map(|aside| (aside, None)),
    };
    begun.map_err(|e| Error::file("create", dest, e))
}
