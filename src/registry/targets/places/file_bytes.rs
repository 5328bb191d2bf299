//! The bytes of a file of a dataset, read through the chunk tree and checked.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::error_kind::KindedError;
use crate::error_kind::message_with_causes;
use crate::ident::BlobId;
use crate::manifest::FileEntry;
use crate::manifest::Manifest;
use crate::manifest::TreeWalk;
use crate::manifest::chunk_of_byte;
use crate::manifest::chunk_of_newline;
use crate::manifest::tree_totals;
use crate::registry::error::Error;
use crate::registry::integrity::blame::blamed;
use crate::store::disk::BlobReader;
use crate::store::disk::StoreError;

/// Bytes for which there is room before they are read.
const RESERVED_BYTES_MAX: usize = 8 << 20;

/// The bytes of a file of a dataset. Nothing of them is kept.
pub(super) struct FileBytes {
    pub(super) reader: Arc<BlobReader>,
    pub(super) manifest: Arc<Manifest>,
    pub(super) entry: FileEntry,
    /// Offset of the file in the dataset.
    pub(super) start: u64,
}

impl FileBytes {
    /// Returns the bytes of a range, as far as the file has them. They are not kept.
    ///
    /// # Errors
    /// [`Error`] when a chunk is missing or damaged, or the index cannot be read.
    pub(super) fn range(&self, range: Range<u64>) -> Result<Vec<u8>, Error> {
        let end = range.end.min(self.entry.size_bytes);
        if range.start >= end {
            return Ok(Vec::new());
        }
        self.unpack(self.start + range.start, self.start + end)
    }

    /// Returns the number of newlines of the dataset before an offset.
    fn newlines_before(&self, offset: u64) -> Result<u64, Error> {
        let root = self.manifest.chunk_tree_root;
        let Some(found) = chunk_of_byte(&*self.reader, root, offset).map_err(Error::from)? else {
            // The offset is behind the last chunk.
            let totals = tree_totals(&*self.reader, root)?;
            return Ok(totals.newlines);
        };
        let bytes = self.unpack(found.before.bytes, offset)?;
        let inside = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Ok(found.before.newlines + inside)
    }

    /// Returns the bytes between two offsets of the dataset, as far as the tree has them.
    pub(super) fn unpack(&self, from: u64, to: u64) -> Result<Vec<u8>, Error> {
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
        // A tree may claim more than there is.
        let wanted = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(wanted.min(RESERVED_BYTES_MAX));
        let mut records = HashMap::new();
        for (((at, chunk), key), place) in chunks.iter().zip(&keys).zip(places) {
            let fail = |e: StoreError| blame(*at, e.into());
            let place = place.ok_or_else(|| fail(StoreError::Blob(BlobError::Missing(*key))))?;
            let record = match records.entry((place.pack, place.offset)) {
                Entry::Occupied(kept) => kept.into_mut(),
                Entry::Vacant(free) => free.insert(self.reader.record(key, &place).map_err(fail)?),
            };
            let item = record.item(key, place.item);
            let whole = item.filter(|b| u32::try_from(b.len()) == Ok(chunk.bytes));
            let whole = whole.filter(|b| BlobId::of(b) == key.id);
            let corrupt = || fail(StoreError::Blob(BlobError::Corrupt(*key)));
            let whole = whole.ok_or_else(corrupt)?;
            // Only the chunks at both ends are needed in part.
            let inside = |n: u64| usize::try_from(n.saturating_sub(*at)).unwrap_or(usize::MAX);
            let wanted = inside(from).min(whole.len())..inside(to).min(whole.len());
            bytes.extend_from_slice(whole.get(wanted).unwrap_or_default());
        }
        Ok(bytes)
    }

    /// Returns the offset of a line from the front of the file; `None` if there is no such line.
    ///
    /// # Errors
    /// [`Error`] when a node or chunk is missing or damaged.
    pub(super) fn start_of_line(&self, line: u64) -> Result<Option<u64>, Error> {
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
        let bytes = self.unpack(
            found.before.bytes,
            found.before.bytes + u64::from(found.chunk.bytes),
        )?;
        let nth = usize::try_from(number - found.before.newlines).unwrap_or(usize::MAX);
        let newline = memchr::memchr_iter(b'\n', &bytes).nth(nth);
        let start = newline.map(|n| found.before.bytes + n as u64 + 1);
        Ok(start.filter(|at| *at < end).map(|at| at - self.start))
    }

    /// Returns the number of lines.
    ///
    /// # Errors
    /// As [`FileBytes::start_of_line`].
    pub(super) fn lines(&self) -> Result<u64, Error> {
        let end = self.start + self.entry.size_bytes;
        let newlines = self.newlines_before(end)? - self.newlines_before(self.start)?;
        let ends_open = match self.entry.size_bytes.checked_sub(1) {
            Some(last) => self.unpack(self.start + last, end)? != b"\n",
            None => false,
        };
        Ok(newlines + u64::from(ends_open))
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
