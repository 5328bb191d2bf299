//! Checkout: writes a dataset, or one file of it, to disk. Every chunk is verified before it is
//! written, and a file or directory gets its final name only when it is complete.

pub(crate) mod read_chunks;
pub(crate) mod small_files;
pub(crate) mod streaming;

use crate::registry::views::WorkingCopies;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;

use crate::catalog::Dataset;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::file_io::Place;
use crate::file_io::TemporaryPath;
use crate::file_io::place_of;
use crate::file_io::put_in_place;
use crate::manifest::FileEntry;
use crate::manifest::TreeWalk;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::checkout::read_chunks::PlacedChunk;
use crate::registry::checkout::read_chunks::WINDOW_CHUNKS;
use crate::registry::checkout::read_chunks::each_chunk;
use crate::registry::error::Error;
use crate::registry::error::checkout::CheckoutError;
use crate::registry::error::dataset::DatasetError;
use crate::registry::host;
use crate::registry::integrity::blame::blamed;
use crate::registry::step::Step;
use crate::registry::working_copy::FileSelection;
use crate::store::disk::BlobReader;

/// Result of a checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckoutReport {
    /// Number of files.
    pub files: u64,
    /// Number of bytes.
    pub bytes: u64,
}

/// A file to write, and its range of the dataset's bytes.
pub(crate) struct CheckoutFile {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) file: File,
}

impl WorkingCopies<'_> {
    /// Like [`LocalRegistry::checkout`], but a single file may replace a plain file at `dest`.
    ///
    /// A single file is written directly into a pipe, a device, or `-` for standard output. Bytes
    /// written before damage is found stay written there.
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
        let reader = self.registry.reader_of(dataset)?;
        let table = self.registry.files_by(&reader, &dataset.manifest)?;
        let chosen = FileSelection::of(&table, &dataset.manifest, path)?;
        let (files, single) = (&chosen.files, chosen.single);
        let bytes = chosen.bytes();
        progress.phase("checking out", Some(bytes));
        let Some(dest) = destination(files, single, (dest, if_exists))? else {
            let only = files.first().map(|(_, file)| file.path.as_str());
            let fail = |e| Error::output(dest, e);
            let mut to = OutputFile::create(dest, if_exists, None).map_err(fail)?;
            self.registry.cat(dataset, only, &mut to, progress)?;
            to.finish().map_err(fail)?;
            return Ok(CheckoutReport { files: 1, bytes });
        };
        let (partial, only) = begin_partial(&dest, single)?;
        let place = || {
            let inside = partial.path().join(&chosen.below);
            let from = if single { partial.path() } else { &inside };
            put_in_place(from, &dest, if_exists).map_err(|e| Error::output(&dest, e))
        };
        let written =
            self.registry
                .write_files(&reader, dataset, files, (only, partial.path()), progress);
        let placed_at = host::now();
        let written = written.and_then(|()| place());
        // For a directory inside the dataset, its parent directories are omitted.
        if written.is_err() || !chosen.below.is_empty() {
            // A leftover that cannot be removed has a name that identifies it.
            let _ = if single {
                std::fs::remove_file(partial.path())
            } else {
                std::fs::remove_dir_all(partial.path())
            };
        }
        written?;
        self.registry
            .note_checkout((&dest, placed_at), dataset, path, &chosen);
        Ok(CheckoutReport {
            files: files.len() as u64,
            bytes,
        })
    }
}

impl LocalRegistry {
    /// Writes a dataset to `dest`, as a file or a directory of files.
    ///
    /// `path` selects one file, the content of one directory, or the files that match a glob. A
    /// single file goes into `dest` if that is an existing directory.
    ///
    /// # Errors
    /// [`CheckoutError::Exists`] when that would overwrite something, `IntegrityError::Corrupt` when stored bytes
    /// are damaged. Nothing stays at `dest` then.
    pub fn checkout(
        &self,
        dataset: &Dataset,
        path: Option<&str>,
        dest: &Path,
        progress: &dyn Progress,
    ) -> Result<CheckoutReport, Error> {
        self.working_copies()
            .checkout_over(dataset, path, (dest, IfExists::Refuse), progress)
    }

    /// Writes the bytes of a dataset, or of one file, to `out` in order.
    ///
    /// # Errors
    /// [`DatasetError::NoSuchFile`], `IntegrityError::Corrupt`, or the error of `out`.
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
                let missing = || {
                    Error::Dataset(DatasetError::NoSuchFile {
                        path: path.to_owned(),
                        dataset: name,
                    })
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

    /// Writes files below a directory, or one file into its temporary file.
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
        // Adjacent small files are read together.
        let joins = |(at, a): &(u64, &FileEntry), (next, b): &(u64, &FileEntry)| {
            small(a) && small(b) && at.saturating_add(a.size_bytes) == *next
        };
        for run in chosen.chunk_by(joins) {
            match run {
                [(start, entry)] if !small(entry) => {
                    let file = match only.take() {
                        Some(file) => with_length(file, dir, entry.size_bytes)?,
                        None => make(&dir.join(&entry.path), entry.size_bytes)?,
                    };
                    let target = CheckoutFile {
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
        target: &CheckoutFile,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let m = &dataset.manifest;
        let blame = |at, e| blamed(m, files.iter().copied(), at, e);
        let mut walk = TreeWalk::new(reader, m.chunk_tree_root, m.size_bytes, target.start)
            .map_err(|e| blame(target.start, e.into()))?;
        loop {
            let mut window: Vec<PlacedChunk> = Vec::new();
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

impl CheckoutFile {
    /// Writes the part of a chunk that belongs to the file. Zeros become holes.
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

/// Returns the path to write to.
///
/// A single file goes into an existing directory, and may replace a plain file if the options allow
/// it; nothing else is overwritten. Returns `None` if a single file is written directly.
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
        Place::Plain(_) | Place::Directory => Err(Error::Checkout(CheckoutError::Exists(dest))),
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
    with_length(file, path, size_bytes)
}

/// Sets the length of a file.
pub(crate) fn with_length(file: File, path: &Path, size_bytes: u64) -> Result<File, Error> {
    let sized = file.set_len(size_bytes);
    sized.map_err(|e| Error::file("write", path, e))?;
    Ok(file)
}

/// Creates a temporary directory, or a temporary file with its handle.
pub(crate) fn begin_partial(
    dest: &Path,
    single: bool,
) -> Result<(TemporaryPath, Option<File>), Error> {
    let begun = if single {
        TemporaryPath::file(dest, None).map(|(partial, file)| (partial, Some(file)))
    } else {
        TemporaryPath::directory(dest).map(|partial| (partial, None))
    };
    begun.map_err(|e| Error::file("create", dest, e))
}
