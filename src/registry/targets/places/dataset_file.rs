//! Random access to a file of a dataset through the chunk tree.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::error_kind::KindedError;
use crate::error_kind::message_with_causes;
use crate::ident::BlobId;
use crate::inspect::table::StoredText;
use crate::locks::lock;
use crate::manifest::FileEntry;
use crate::manifest::Manifest;
use crate::manifest::TreeWalk;
use crate::manifest::chunk_of_byte;
use crate::manifest::chunk_of_newline;
use crate::manifest::tree_totals;
use crate::read_at::ReadAt;
use crate::registry::error::Error;
use crate::registry::integrity::blame::blamed;
use crate::registry::targets::places::stored_file::StoredFile;
use crate::store::disk::BlobReader;
use crate::store::disk::StoreError;

/// Size in bytes of a window that is decompressed and kept.
const WINDOW_BYTES: u64 = 1 << 20;
/// Number of windows that are kept.
const WINDOWS_KEPT: usize = 8;

/// A file of a dataset. Its bytes are checked against the chunks' hashes, and the tree's against
/// the manifest. The windows decompressed last are kept.
pub(crate) struct DatasetFile {
    reader: Arc<BlobReader>,
    manifest: Arc<Manifest>,
    entry: FileEntry,
    /// Offset of the file in the dataset.
    start: u64,
    recent: Mutex<VecDeque<(u64, WindowSlot)>>,
}

/// A window that one thread decompresses and others wait for.
type WindowSlot = Arc<OnceLock<Result<Arc<DecompressedWindow>, WindowFailure>>>;

/// Adjacent decompressed chunks.
struct DecompressedWindow {
    /// Offset of the first byte in the dataset.
    at: u64,
    bytes: Vec<u8>,
}

/// Error of a window, which several threads may receive.
#[derive(Clone)]
struct WindowFailure(io::ErrorKind, String);

impl DatasetFile {
    pub(crate) fn new(
        reader: Arc<BlobReader>,
        manifest: Arc<Manifest>,
        start: u64,
        entry: FileEntry,
    ) -> Self {
        Self {
            reader,
            manifest,
            entry,
            start,
            recent: Mutex::default(),
        }
    }

    /// Returns the bytes of a range, as far as the file has them. They are not kept.
    ///
    /// # Errors
    /// [`Error`] when a chunk is missing or damaged, or the index cannot be read.
    pub(crate) fn range(&self, range: Range<u64>) -> Result<Vec<u8>, Error> {
        let end = range.end.min(self.entry.size_bytes);
        if range.start >= end {
            return Ok(Vec::new());
        }
        let (from, to) = (self.start + range.start, self.start + end);
        let window = self.unpack(from, to)?;
        let mut bytes = window.bytes;
        let part = |n: u64| usize::try_from(n.saturating_sub(window.at)).unwrap_or(usize::MAX);
        bytes.truncate(part(to));
        bytes.drain(..part(from).min(bytes.len()));
        Ok(bytes)
    }

    /// Returns the number of newlines of the dataset before an offset.
    fn newlines_before(&self, offset: u64) -> Result<u64, Error> {
        let root = self.manifest.chunk_tree_root;
        let Some(found) = chunk_of_byte(&*self.reader, root, offset).map_err(Error::from)? else {
            // The offset is behind the last chunk.
            let totals = tree_totals(&*self.reader, root)?;
            return Ok(totals.newlines);
        };
        let bytes = self.between(found.before.bytes, offset - found.before.bytes)?;
        let inside = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Ok(found.before.newlines + inside)
    }

    /// Returns bytes of the dataset, at most one chunk.
    fn between(&self, at: u64, length: u64) -> Result<Vec<u8>, Error> {
        let window = self.unpack(at, at + length)?;
        let part = |n: u64| usize::try_from(n - window.at).unwrap_or(usize::MAX);
        let bytes = window.bytes.get(part(at)..part(at + length));
        Ok(bytes.unwrap_or_default().to_vec())
    }

    /// Decompresses the chunks between two offsets of the dataset.
    fn unpack(&self, from: u64, to: u64) -> Result<DecompressedWindow, Error> {
        let m = &*self.manifest;
        let blame = |at, e| blamed(m, std::iter::once((self.start, &self.entry)), at, e);
        let mut chunks = Vec::new();
        if from < to {
            let walk = TreeWalk::new(&*self.reader, m.chunk_tree_root, m.size_bytes, from);
            for placed in walk.map_err(|e| blame(from, e.into()))? {
                let (at, chunk) = placed.map_err(|e| blame(from, e.into()))?;
                if at >= to {
                    break;
                }
                chunks.push((at, chunk));
            }
        }
        let keys: Vec<BlobKey> = chunks
            .iter()
            .map(|(_, c)| BlobKey::new(BlobKind::Chunk, *c.id.as_bytes()))
            .collect();
        let places = self.reader.locate(&keys)?;
        let mut bytes = Vec::new();
        let mut records = HashMap::new();
        for (((at, chunk), key), place) in chunks.iter().zip(&keys).zip(places) {
            let fail = |e: StoreError| blame(*at, e.into());
            let place = place.ok_or_else(|| fail(StoreError::Blob(BlobError::Missing(*key))))?;
            let record = match records.entry((place.pack, place.offset)) {
                std::collections::hash_map::Entry::Occupied(kept) => kept.into_mut(),
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert(self.reader.record(key, &place).map_err(fail)?)
                }
            };
            let item = record.item(key, place.item);
            let whole = item.filter(|b| u32::try_from(b.len()) == Ok(chunk.bytes));
            let whole = whole.filter(|b| BlobId::of(b) == key.id);
            let corrupt = || fail(StoreError::Blob(BlobError::Corrupt(*key)));
            bytes.extend_from_slice(whole.ok_or_else(corrupt)?);
        }
        let at = chunks.first().map_or(from, |(at, _)| *at);
        Ok(DecompressedWindow { at, bytes })
    }

    /// Returns a window by number. Concurrent callers share one decompression.
    fn window(&self, number: u64) -> io::Result<Arc<DecompressedWindow>> {
        let slot = {
            let mut recent = lock(&self.recent);
            match recent.iter().find(|(n, _)| *n == number) {
                Some((_, slot)) => slot.clone(),
                None => {
                    if recent.len() >= WINDOWS_KEPT {
                        recent.pop_front();
                    }
                    let slot = WindowSlot::default();
                    recent.push_back((number, slot.clone()));
                    slot
                }
            }
        };
        let unpacked = slot.get_or_init(|| {
            let from = number * WINDOW_BYTES;
            let to = (from + WINDOW_BYTES).min(self.entry.size_bytes);
            let window = self.unpack(self.start + from, self.start + to);
            window.map(Arc::new).map_err(|e| {
                let io = io_error(&e);
                WindowFailure(io.kind(), io.to_string())
            })
        });
        match unpacked {
            Ok(window) => Ok(window.clone()),
            Err(WindowFailure(kind, why)) => Err(io::Error::new(*kind, why.clone())),
        }
    }
}

/// Converts to an error of reading, with its kind. Damage becomes `InvalidData`.
pub(crate) fn io_error(error: &Error) -> io::Error {
    let kind = match error.kind() {
        ErrorKind::Integrity => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    let why = message_with_causes(error);
    io::Error::new(kind, KindedError::new(error.kind(), why))
}

impl StoredFile for DatasetFile {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn path(&self) -> &str {
        &self.entry.path
    }

    fn text(&self) -> StoredText {
        StoredText {
            tree: self.manifest.chunk_tree_root,
            start: self.start,
            size: self.entry.size_bytes,
        }
    }

    fn start_of_line(&self, line: u64) -> Result<Option<u64>, Error> {
        let end = self.start + self.entry.size_bytes;
        let Some(before) = line.checked_sub(1) else {
            return Ok((self.entry.size_bytes > 0).then_some(0));
        };
        let number = self.newlines_before(self.start)?.saturating_add(before);
        let root = self.manifest.chunk_tree_root;
        let Some(found) = chunk_of_newline(&*self.reader, root, number).map_err(Error::from)?
        else {
            return Ok(None);
        };
        let bytes = self.between(found.before.bytes, u64::from(found.chunk.bytes))?;
        let nth = usize::try_from(number - found.before.newlines).unwrap_or(usize::MAX);
        let newline = memchr::memchr_iter(b'\n', &bytes).nth(nth);
        let start = newline.map(|n| found.before.bytes + n as u64 + 1);
        Ok(start.filter(|at| *at < end).map(|at| at - self.start))
    }

    fn lines(&self) -> Result<u64, Error> {
        let end = self.start + self.entry.size_bytes;
        let newlines = self.newlines_before(end)? - self.newlines_before(self.start)?;
        let ends_open = match self.entry.size_bytes.checked_sub(1) {
            Some(last) => self.between(self.start + last, 1)? != b"\n",
            None => false,
        };
        Ok(newlines + u64::from(ends_open))
    }

    fn claimed_rows(&self) -> Option<u64> {
        None
    }
}

impl ReadAt for DatasetFile {
    fn len(&self) -> u64 {
        self.entry.size_bytes
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.entry.size_bytes || buf.is_empty() {
            return Ok(0);
        }
        let number = offset / WINDOW_BYTES;
        let window = self.window(number)?;
        let end = ((number + 1) * WINDOW_BYTES).min(self.entry.size_bytes);
        let part = |n: u64| usize::try_from((self.start + n).saturating_sub(window.at));
        let (from, to) = (part(offset), part(end));
        let bytes = window
            .bytes
            .get(from.unwrap_or(usize::MAX)..to.unwrap_or(usize::MAX));
        let bytes = bytes.ok_or(io::ErrorKind::InvalidData)?;
        let n = bytes.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), bytes.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}
