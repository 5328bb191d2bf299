//! Verifies a dataset against its ids.

use crate::archive_check::hashing::FileHasher;
use crate::registry::publishing::trust::Listed;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;

use crate::catalog::Dataset;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::ContentId;
use crate::locks::lock;
use crate::manifest::ChunkEntry;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::TreeWalk;
use crate::manifest::tree_totals;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::checkout::read_chunks::PlacedChunk;
use crate::registry::checkout::read_chunks::each_chunk;
use crate::registry::describe::recount;
use crate::registry::error::Error;
use crate::registry::error::integrity::IntegrityError;
use crate::registry::integrity::blame::blamed;
use crate::registry::integrity::claims;
use crate::registry::integrity::claims::CutCheck;
use crate::registry::step::Step;
use crate::store::disk::BlobReader;

/// Result of a verification. An `Ok` result alone means that the content is intact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Number of files that were hashed.
    pub files: u64,
    /// Number of bytes that were hashed.
    pub bytes: u64,
}

/// Receives bytes in order, with their offset in the dataset.
pub(crate) type EachBytes<'a> = dyn FnMut(u64, &[u8]) -> Result<(), Error> + 'a;

/// Like [`EachBytes`], for a window that the receiver may keep.
pub(crate) type EachWindow<'a> = dyn FnMut(u64, &mut Vec<u8>) -> Result<(), Error> + 'a;

/// Receives a chunk: its offset in the dataset, its tree entry and its bytes.
type EachChunk<'a> = dyn FnMut(u64, &ChunkEntry, &[u8]) -> Result<(), Error> + 'a;

/// Size in bytes of a piece for the thread that describes files, and number of pieces that may wait
/// for it.
const RECOUNT_BYTES: usize = 1 << 20;
const RECOUNT_QUEUE: usize = 16;

/// Chunks verified at a time. They stay in memory so that they can be hashed in order: 32 MiB at
/// the average size.
const WINDOW_CHUNKS: usize = 2048;

impl LocalRegistry {
    /// Verifies all bytes of a dataset. It recomputes the hash of every file and the content id,
    /// and checks all other claims of the manifest and the file table against the bytes.
    ///
    /// # Errors
    /// [`IntegrityError::Corrupt`] or [`IntegrityError::Mismatch`] naming the dataset and the first bad file,
    /// [`IntegrityError::FalseClaim`] naming the claim, inside an [`Error::SignedLie`] if the manifest is
    /// signed.
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
            // An unsigned local dataset has no signer to blame.
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
                        // The thread that describes files may have stopped early.
                        let _ = sender.send(piece.to_vec());
                    }
                };
                let verified = self.verify_files(&reader, &manifest, &table, &mut each, progress);
                drop(sender);
                let panicked = |_| Error::WorkerPanicked("worker");
                let counted = counting.join().map_err(panicked);
                let report = verified?;
                counted??;
                Ok(report)
            })
        });
        match verified {
            Err(error @ Error::Integrity(IntegrityError::FalseClaim { .. })) => {
                let listed = Listed::of(&self.trust().store()?, dataset.clone());
                Err(claims::attribute_to_signer(error, listed.publisher()))
            }
            verified => verified,
        }
    }

    /// Verifies a manifest that may not be in the catalogue yet, without describing files. Formats,
    /// schemas and rows are taken from the file table, if its numbers are consistent.
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
            Error::Store(e) if e.kind() == ErrorKind::Integrity => {
                Error::Integrity(IntegrityError::Corrupt {
                    dataset: m.name.to_string(),
                    file: "(file table)".to_owned(),
                    source: Box::new(e),
                })
            }
            other => other,
        })?;
        claims::check_table(m, &table)?;
        Ok(table)
    }

    /// Hashes all files and looks at every chunk. `each` receives all bytes in order.
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
        let mut hashing = FileHasher::new(&files, 0);
        let mut cuts = CutCheck::new(m, table);
        let mut look = |at: u64, chunk: &ChunkEntry, bytes: &[u8]| {
            cuts.push(at, chunk)?;
            claims::check_newlines(m, at, chunk, bytes)
        };
        let whole = (0, m.size_bytes);
        self.each_window_of(reader, m, &files, whole, &mut look, &mut |_, bytes| {
            hashing.push(bytes);
            each(bytes);
            progress.advance(bytes.len() as u64);
            if progress.cancelled() {
                Err(Error::Interrupted)
            } else {
                Ok(())
            }
        })?;
        let mut whole = table.clone();
        for (n, (file, id)) in table.files().iter().zip(hashing.into_ids()).enumerate() {
            if file.content_id.is_some_and(|claimed| claimed != id) {
                return Err(Error::Integrity(IntegrityError::Mismatch {
                    dataset: name(),
                    file: file.path.clone(),
                }));
            }
            whole.set_content_id(n, id);
        }
        if whole.content_id(m.dataset_kind) == Some(m.content_id) {
            Ok(VerifyReport {
                files: whole.files().len() as u64,
                bytes: m.size_bytes,
            })
        } else {
            // A single file must be the damaged one.
            let file = match whole.files() {
                [only] => only.path.clone(),
                _ => "(file table)".to_owned(),
            };
            Err(Error::Integrity(IntegrityError::Mismatch {
                dataset: name(),
                file,
            }))
        }
    }

    /// Hashes files that are adjacent in the dataset.
    ///
    /// # Errors
    /// [`IntegrityError::Corrupt`] naming the first bad file.
    pub(crate) fn hash_files(
        &self,
        reader: &BlobReader,
        manifest: &Manifest,
        files: &[(u64, &FileEntry)],
        progress: &dyn Progress,
    ) -> Result<Vec<ContentId>, Error> {
        let start = files.first().map_or(0, |(at, _)| *at);
        let last = files.last().map_or(0, |(at, f)| at + f.size_bytes);
        let mut hashing = FileHasher::new(files, start);
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

    /// Passes exactly the bytes between two offsets of a file to `sink`, in order.
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

    /// Passes the bytes of the chunks between two offsets to `sink`, in order. `files` are the
    /// candidates for an error message about damage.
    pub(crate) fn each_window(
        &self,
        reader: &BlobReader,
        manifest: &Manifest,
        files: &[(u64, &FileEntry)],
        start: u64,
        end: u64,
        sink: &mut EachBytes<'_>,
    ) -> Result<(), Error> {
        self.each_owned_window(reader, manifest, files, (start, end), &mut |at, bytes| {
            sink(at, bytes)
        })
    }

    /// Like [`LocalRegistry::each_window`], but `sink` may keep the bytes of a window and leave others,
    /// whose room is used for the next one.
    pub(crate) fn each_owned_window(
        &self,
        reader: &BlobReader,
        manifest: &Manifest,
        files: &[(u64, &FileEntry)],
        range: (u64, u64),
        sink: &mut EachWindow<'_>,
    ) -> Result<(), Error> {
        let mut look = |_, _: &ChunkEntry, _: &[u8]| Ok(());
        self.each_window_of(reader, manifest, files, range, &mut look, sink)
    }

    /// Like [`LocalRegistry::each_window`], but `look` receives every chunk before its window goes
    /// to `sink`.
    fn each_window_of(
        &self,
        reader: &BlobReader,
        manifest: &Manifest,
        files: &[(u64, &FileEntry)],
        (start, end): (u64, u64),
        look: &mut EachChunk<'_>,
        sink: &mut EachWindow<'_>,
    ) -> Result<(), Error> {
        let m = manifest;
        let blame = |at, e| blamed(m, files.iter().copied(), at, e);
        let mut walk = TreeWalk::new(reader, m.chunk_tree_root, m.size_bytes, start)
            .map_err(|e| blame(start, e.into()))?;
        // Fresh memory for every window would cost more than the copies into it.
        let mut spare = Vec::new();
        loop {
            let mut window: Vec<PlacedChunk> = Vec::new();
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
            spare.resize(total, 0);
            let buffer = Mutex::new(std::mem::take(&mut spare));
            each_chunk(reader, &window, &|at, bytes| {
                // Offsets of the window lie within its buffer.
                let from = (at - base) as usize;
                let mut buffer = lock(&buffer);
                if let Some(to) = buffer.get_mut(from..from + bytes.len()) {
                    to.copy_from_slice(bytes);
                }
                Ok(())
            })
            .map_err(|(at, e)| blame(at, e))?;
            let mut buffer = buffer.into_inner().unwrap_or_else(PoisonError::into_inner);
            for (at, chunk) in &window {
                let from = (at - base) as usize;
                let bytes = buffer.get(from..from + chunk.bytes as usize);
                look(*at, chunk, bytes.unwrap_or_default())?;
            }
            sink(base, &mut buffer)?;
            spare = buffer;
        }
    }
}
