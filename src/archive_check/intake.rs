//! The receiving side of a check: takes the blobs of an archive, compares their hashes, and keeps
//! nodes and the places of chunks.

use crate::archive::ArchiveError;
use crate::archive::BaseBytes;
use crate::archive::BlobSink;
use crate::archive::ENTRY_HEADER_BYTES;
use crate::archive::EntryName;
use crate::archive::SimilarChunks;
use crate::archive::entry_bytes;
use crate::archive_check::blobs::ArchiveBlobs;
use crate::archive_check::blobs::ChunkPlace;
use crate::archive_check::content::ContentPass;
use crate::archive_check::error::CheckError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::chunk::count_newlines;
use crate::ident::ChunkId;
use crate::ident::TreeId;
use crate::manifest::ChunkEntry;
use crate::progress::Progress;

/// Bytes of chunks that are compared together, as an import does.
const BATCH_BYTES: usize = 4 << 20;

/// A pass, or the first false claim that it found.
pub(super) type PassSoFar<'m> = Result<ContentPass<'m>, CheckError>;

/// A chunk that waits for the comparison of its hash.
struct Waiting {
    chunk: ChunkEntry,
    bytes: Vec<u8>,
    /// Number of the pass over the data that the chunk belongs to.
    pass: Option<usize>,
}

/// Takes the blobs of an archive.
pub(super) struct Intake<'a, 'm> {
    pub(super) blobs: ArchiveBlobs<'a>,
    /// Passes over the data of the datasets so far.
    pub(super) passes: Vec<Option<PassSoFar<'m>>>,
    /// Number of the pass over the data that comes now.
    pub(super) current: Option<usize>,
    /// Offset of the next entry in the tar stream.
    position: u64,
    batch: Vec<Waiting>,
    batch_bytes: usize,
    progress: &'a dyn Progress,
}

impl<'a> Intake<'a, '_> {
    /// Makes an intake whose first entry begins at an offset of the tar stream.
    pub(super) fn new(blobs: ArchiveBlobs<'a>, position: u64, progress: &'a dyn Progress) -> Self {
        Self {
            blobs,
            passes: Vec::new(),
            current: None,
            position,
            batch: Vec::new(),
            batch_bytes: 0,
            progress,
        }
    }

    /// Compares the hashes of the chunks so far.
    ///
    /// # Errors
    /// [`ArchiveError::Corrupt`] with the first damaged chunk.
    pub(super) fn flush(&mut self) -> Result<(), CheckError> {
        for Waiting { chunk, bytes, pass } in self.batch.drain(..) {
            if ChunkId::of(&bytes) != chunk.id || count_newlines(&bytes) != chunk.newlines {
                let path = EntryName::chunk(&chunk.id).path();
                return Err(ArchiveError::Corrupt(path).into());
            }
            // A false claim counts only if the whole archive is intact.
            let slot = pass
                .and_then(|n| self.passes.get_mut(n))
                .and_then(Option::as_mut);
            if let Some(slot) = slot
                && let Ok(pass) = slot
                && let Err(error) = pass.follow(&self.blobs, &chunk, &bytes)
            {
                *slot = Err(error);
            }
        }
        self.batch_bytes = 0;
        Ok(())
    }

    /// Notes an entry of this length, and returns the place of its bytes.
    fn place(&mut self, bytes: usize) -> u64 {
        let at = self.position + ENTRY_HEADER_BYTES;
        self.position += entry_bytes(bytes as u64);
        at
    }
}

impl BlobSink for Intake<'_, '_> {
    type Error = CheckError;

    fn has(&mut self, keys: &[BlobKey]) -> Result<Vec<bool>, CheckError> {
        Ok(self.blobs.has(keys)?)
    }

    fn node(&mut self, id: TreeId) -> Result<Vec<u8>, CheckError> {
        let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
        Ok(self.blobs.get(&key)?)
    }

    fn take_node(&mut self, id: TreeId, bytes: &[u8]) -> Result<(), CheckError> {
        self.place(bytes.len());
        self.blobs.nodes.insert(id, bytes.to_vec());
        Ok(())
    }

    fn take_chunk(&mut self, chunk: &ChunkEntry, bytes: Vec<u8>) -> Result<(), CheckError> {
        if self.progress.cancelled() {
            return Err(CheckError::Interrupted);
        }
        let place = ChunkPlace {
            at: self.place(bytes.len()),
            bytes: chunk.bytes,
        };
        self.blobs.chunks.entry(chunk.id).or_insert(place);
        self.progress.advance(bytes.len() as u64);
        self.batch_bytes += bytes.len();
        self.batch.push(Waiting {
            chunk: *chunk,
            bytes,
            pass: self.current,
        });
        if self.batch_bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn base(&mut self, _: BaseBytes) -> Result<Vec<u8>, CheckError> {
        Err(ArchiveError::Missing("what a delta is against".to_owned()).into())
    }

    fn take_similar(&mut self, _: SimilarChunks<'_>) -> Result<(), CheckError> {
        Err(ArchiveError::Missing("what a delta is against".to_owned()).into())
    }
}
