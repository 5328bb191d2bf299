//! Proving that a dataset is what its id says, and comparing two.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;

use crate::catalog::Dataset;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::ContentId;
use crate::manifest::ChunkEntry;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::TreeDiff;
use crate::manifest::TreeWalk;
use crate::manifest::diff_trees;
use crate::manifest::tree_totals;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::checkout::read_chunks::Placed;
use crate::registry::checkout::read_chunks::each_chunk;
use crate::registry::describe::recount;
use crate::registry::error::Error;
use crate::registry::integrity::claims;
use crate::registry::integrity::claims::Cuts;
use crate::registry::integrity::hashing::Hashing;
use crate::registry::step::Step;
use crate::registry::working_copy::OneSided;
use crate::registry::working_copy::renames;
use crate::store::disk::BlobReader;
use crate::store::disk::StoreError;

/// What verification found. That the content is whole is said by its being returned at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Files that were hashed.
    pub files: u64,
    /// Bytes that were hashed.
    pub bytes: u64,
}

/// One file that differs, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// Its path.
    pub path: String,
    /// What it is in the first dataset: size and id.
    pub a: Option<(u64, ContentId)>,
    /// What it is in the second.
    pub b: Option<(u64, ContentId)>,
    /// Its path in the first, where it has the same content under another.
    pub from: Option<String>,
}

/// What two datasets share.
#[derive(Clone, Debug)]
pub struct DiffReport {
    /// By chunks.
    pub tree: TreeDiff,
    /// Files that are not the same in both.
    pub files: Vec<FileDiff>,
}

/// Takes bytes in order, with the offset of their first in the dataset.
pub(crate) type InOrder<'a> = dyn FnMut(u64, &[u8]) -> Result<(), Error> + 'a;

/// Looks at a chunk: where it begins in the dataset, its entry in the tree, its bytes.
type Look<'a> = dyn FnMut(u64, &ChunkEntry, &[u8]) -> Result<(), Error> + 'a;

/// Bytes that are handed at a time to the thread that looks into files, and how many such pieces
/// may wait for it.
const RECOUNT_BYTES: usize = 1 << 20;
const RECOUNT_QUEUE: usize = 16;

/// Chunks verified at a time, kept in memory to be hashed in order: 32 MiB at the average size.
const WINDOW_CHUNKS: usize = 2048;

impl LocalRegistry {
    /// Reads every byte of a dataset, recomputes every file's hash and the content id, and compares
    /// with its bytes whatever else the manifest and the file table say of them.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::Mismatch`] naming the dataset and the first bad file,
    /// [`Error::FalseClaim`] naming the claim, in an [`Error::SignedLie`] where somebody signed it.
    pub fn verify(
        &self,
        dataset: &Dataset,
        progress: &dyn Progress,
    ) -> Result<VerifyReport, Error> {
        let _step = Step::begin("verify", &dataset.manifest.name);
        let reader = Arc::new(self.reader_of(dataset)?);
        let manifest = Arc::new(dataset.manifest.clone());
        let table = self.table_to_verify(&reader, &manifest);
        let verified = table.and_then(|table| {
            // What was indexed here and nobody signed is nobody's claim.
            let is_claimed = dataset.flags.foreign || dataset.signed;
            if !is_claimed || !recount::is_worthwhile(&manifest, &table) {
                return self.verify_files(&reader, &manifest, &table, &mut |_| {}, progress);
            }
            std::thread::scope(|scope| {
                let (sender, pieces) = mpsc::sync_channel(RECOUNT_QUEUE);
                let counting = scope.spawn(|| {
                    let pieces = pieces;
                    let stored = (&reader, &manifest);
                    recount::recount(stored, &table, &pieces, progress)
                });
                let mut each = |bytes: &[u8]| {
                    for piece in bytes.chunks(RECOUNT_BYTES) {
                        // Whoever counts may have seen enough.
                        let _ = sender.send(piece.to_vec());
                    }
                };
                let verified = self.verify_files(&reader, &manifest, &table, &mut each, progress);
                drop(sender);
                let panicked = |_| std::io::Error::other("it panicked");
                let counted = counting.join().map_err(panicked);
                let counted = counted.map_err(|e| Error::machine("run a worker thread", e));
                let report = verified?;
                counted??;
                Ok(report)
            })
        });
        match verified {
            Err(error @ Error::FalseClaim { .. }) => {
                let listed = Self::listed(&self.trust()?, dataset.clone());
                Err(claims::accuse(error, listed.publisher()))
            }
            verified => verified,
        }
    }

    /// The same for a manifest that may not be in the catalogue yet, without looking into files:
    /// formats, schemas and rows are what the file table says, as far as its numbers fit.
    pub(crate) fn verify_manifest(
        &self,
        reader: &BlobReader,
        m: &Manifest,
        progress: &dyn Progress,
    ) -> Result<VerifyReport, Error> {
        let table = self.table_to_verify(reader, m)?;
        self.verify_files(reader, m, &table, &mut |_| {}, progress)
    }

    fn table_to_verify(&self, reader: &BlobReader, m: &Manifest) -> Result<FileTable, Error> {
        let totals = tree_totals(reader, m.file_table_root);
        let table = totals.map_err(Error::from).and_then(|totals| {
            claims::check_totals(m, totals)?;
            self.files_by(reader, m)
        });
        let table = table.map_err(|e| match e {
            Error::Store(e) if e.kind() == ErrorKind::Integrity => Error::Corrupt {
                dataset: m.name.to_string(),
                file: "(file table)".to_owned(),
                source: Box::new(e),
            },
            other => other,
        })?;
        claims::check_table(m, &table)?;
        Ok(table)
    }

    /// Hashes all files and looks at every chunk; `each` sees all bytes in order.
    fn verify_files(
        &self,
        reader: &BlobReader,
        m: &Manifest,
        table: &FileTable,
        each: &mut dyn FnMut(&[u8]),
        progress: &dyn Progress,
    ) -> Result<VerifyReport, Error> {
        let name = || m.name.to_string();
        progress.phase("verifying", Some(m.size_bytes));
        claims::check_totals(m, tree_totals(reader, m.chunk_tree_root)?)?;
        let files: Vec<(u64, &FileEntry)> = table.with_offsets().collect();
        let mut hashing = Hashing::new(&files, 0);
        let mut cuts = Cuts::new(m, table);
        let mut look = |at: u64, chunk: &ChunkEntry, bytes: &[u8]| {
            cuts.push(at, chunk)?;
            claims::check_newlines(m, at, chunk, bytes)
        };
        let whole = (0, m.size_bytes);
        self.each_window_of(reader, m, &files, whole, &mut look, &mut |_, bytes| {
            hashing.push(bytes);
            each(bytes);
            progress.advance(bytes.len() as u64);
            match progress.cancelled() {
                true => Err(Error::Interrupted),
                false => Ok(()),
            }
        })?;
        let mut whole = table.clone();
        for (n, (file, id)) in table.files().iter().zip(hashing.into_ids()).enumerate() {
            if file.content_id.is_some_and(|claimed| claimed != id) {
                return Err(Error::Mismatch {
                    dataset: name(),
                    file: file.path.clone(),
                });
            }
            whole.set_content_id(n, id);
        }
        if whole.content_id(m.dataset_kind) == Some(m.content_id) {
            Ok(VerifyReport {
                files: whole.files().len() as u64,
                bytes: m.size_bytes,
            })
        } else {
            // With one file there is no doubt which.
            let file = match whole.files() {
                [only] => only.path.clone(),
                _ => "(file table)".to_owned(),
            };
            Err(Error::Mismatch {
                dataset: name(),
                file,
            })
        }
    }

    /// Hashes files that lie one after the other in the dataset.
    ///
    /// # Errors
    /// [`Error::Corrupt`] naming the first bad file.
    pub(crate) fn hash_files(
        &self,
        reader: &BlobReader,
        manifest: &Manifest,
        files: &[(u64, &FileEntry)],
        progress: &dyn Progress,
    ) -> Result<Vec<ContentId>, Error> {
        let start = files.first().map_or(0, |(at, _)| *at);
        let last = files.last().map_or(0, |(at, f)| at + f.size_bytes);
        let mut hashing = Hashing::new(files, start);
        self.each_window(reader, manifest, files, start, last, &mut |at, bytes| {
            let before = usize::try_from(start.saturating_sub(at)).unwrap_or(usize::MAX);
            hashing.push(bytes.get(before..).unwrap_or_default());
            progress.advance(bytes.len() as u64);
            if progress.cancelled() {
                Err(Error::Interrupted)
            } else {
                Ok(())
            }
        })?;
        Ok(hashing.into_ids())
    }

    /// What two datasets have in common, by chunks and by files.
    ///
    /// # Errors
    /// [`Error`] when a tree or table is missing or damaged.
    pub fn diff(&self, a: &Dataset, b: &Dataset) -> Result<DiffReport, Error> {
        let _step = Step::begin("compare", &a.manifest.name);
        let reader = BlobReader::new(&self.store)?;
        let tree = diff_trees(
            &reader,
            a.manifest.chunk_tree_root,
            b.manifest.chunk_tree_root,
        )?;
        let (of_a, of_b) = (self.files(&a.manifest)?, self.files(&b.manifest)?);
        Ok(DiffReport {
            tree,
            files: diff_files(&of_a, &of_b),
        })
    }

    /// Hands the bytes between two offsets of a file to `sink` in order, nothing before or after.
    pub(crate) fn each_piece(
        &self,
        reader: &BlobReader,
        manifest: &Manifest,
        file: (u64, &FileEntry),
        (start, end): (u64, u64),
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if start >= end {
            return Ok(());
        }
        self.each_window(reader, manifest, &[file], start, end, &mut |at, bytes| {
            let part = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
            let (from, to) = (part(start.saturating_sub(at)), part(end.saturating_sub(at)));
            sink(bytes.get(from..to).unwrap_or_default())
        })
    }

    /// Hands the bytes of chunks between two offsets to `sink` in order; `files` are those that
    /// damage there would be in.
    pub(crate) fn each_window(
        &self,
        reader: &BlobReader,
        manifest: &Manifest,
        files: &[(u64, &FileEntry)],
        start: u64,
        end: u64,
        sink: &mut InOrder<'_>,
    ) -> Result<(), Error> {
        let mut look = |_, _: &ChunkEntry, _: &[u8]| Ok(());
        self.each_window_of(reader, manifest, files, (start, end), &mut look, sink)
    }

    /// The same; `look` sees every chunk before its window goes to `sink`.
    fn each_window_of(
        &self,
        reader: &BlobReader,
        manifest: &Manifest,
        files: &[(u64, &FileEntry)],
        (start, end): (u64, u64),
        look: &mut Look<'_>,
        sink: &mut InOrder<'_>,
    ) -> Result<(), Error> {
        let m = manifest;
        let blame = |at, e| blamed(m, files.iter().copied(), at, e);
        let mut walk = TreeWalk::new(reader, m.chunk_tree_root, m.size_bytes, start)
            .map_err(|e| blame(start, e.into()))?;
        loop {
            let mut window: Vec<Placed> = Vec::new();
            while window.len() < WINDOW_CHUNKS && walk.offset() < end {
                let at = walk.offset();
                match walk.next() {
                    Some(placed) => window.push(placed.map_err(|e| blame(at, e.into()))?),
                    None => break,
                }
            }
            if window.is_empty() {
                return Ok(());
            }
            let base = window.first().map_or(0, |(at, _)| *at);
            let total: usize = window.iter().map(|(_, e)| e.bytes as usize).sum();
            let buffer = Mutex::new(vec![0; total]);
            each_chunk(reader, &window, &|at, bytes| {
                // Offsets of the window lie within its buffer.
                let from = (at - base) as usize;
                let mut buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(to) = buffer.get_mut(from..from + bytes.len()) {
                    to.copy_from_slice(bytes);
                }
                Ok(())
            })
            .map_err(|(at, e)| blame(at, e))?;
            let buffer = buffer.into_inner().unwrap_or_else(PoisonError::into_inner);
            for (at, chunk) in &window {
                let from = (at - base) as usize;
                let bytes = buffer.get(from..from + chunk.bytes as usize);
                look(*at, chunk, bytes.unwrap_or_default())?;
            }
            sink(base, &buffer)?;
        }
    }
}

/// Says of damage which dataset and file it is in; other errors stay what they are.
pub(crate) fn blamed<'a>(
    manifest: &Manifest,
    files: impl Iterator<Item = (u64, &'a FileEntry)>,
    at: u64,
    error: Error,
) -> Error {
    match error {
        Error::Store(source) if source.kind() == ErrorKind::Integrity => {
            // Empty files hold no byte that could be damaged.
            let mut files = files.filter(|(_, f)| f.size_bytes > 0);
            let file = files.find(|(start, f)| at < start.saturating_add(f.size_bytes));
            let file = file.map_or_else(String::new, |(_, f)| f.path.clone());
            let dataset = manifest.name.to_string();
            Error::Corrupt {
                dataset,
                file,
                source: Box::<StoreError>::new(source),
            }
        }
        other => other,
    }
}

fn diff_files(a: &FileTable, b: &FileTable) -> Vec<FileDiff> {
    let facts = |f: &FileEntry| f.content_id.map(|id| (f.size_bytes, id));
    let one = |path: &str, a, b| FileDiff {
        path: path.to_owned(),
        a,
        b,
        from: None,
    };
    let mut files = Vec::new();
    let (mut gone, mut came) = (Vec::new(), Vec::new());
    for f in a.files() {
        match b.find(&f.path) {
            None => gone.push(f),
            Some(other) if facts(other) != facts(f) => {
                files.push(one(&f.path, facts(f), facts(other)));
            }
            Some(_) => {}
        }
    }
    came.extend(b.files().iter().filter(|f| a.find(&f.path).is_none()));
    let renamed = renames(&one_sided(&gone), &one_sided(&came));
    let moved: HashSet<&str> = renamed.values().copied().collect();
    for f in gone.iter().filter(|f| !moved.contains(f.path.as_str())) {
        files.push(one(&f.path, facts(f), None));
    }
    for f in came {
        let from = renamed.get(f.path.as_str()).map(|from| (*from).to_owned());
        files.push(FileDiff {
            from: from.clone(),
            ..one(&f.path, from.and(facts(f)), facts(f))
        });
    }
    files.sort_by(|x, y| x.path.cmp(&y.path));
    files
}

fn one_sided<'a>(files: &[&'a FileEntry]) -> Vec<OneSided<'a>> {
    let facts = |f: &&'a FileEntry| Some((f.path.as_str(), f.size_bytes, f.content_id?));
    files.iter().filter_map(facts).collect()
}
