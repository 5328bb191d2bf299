//! Blobs of an archive: nodes in memory, chunks by their places in the tar stream.

use std::collections::HashMap;

use crate::archive::ArchiveError;
use crate::archive_check::frames::Frames;
use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::ChunkId;
use crate::ident::TreeId;
use crate::manifest::ChunkEntry;

/// The place of a chunk in the tar stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkPlace {
    pub(super) at: u64,
    pub(super) bytes: u32,
}

/// The blobs that were read so far.
pub(super) struct ArchiveBlobs<'a> {
    pub(super) frames: &'a Frames,
    pub(super) nodes: HashMap<TreeId, Vec<u8>>,
    pub(super) chunks: HashMap<ChunkId, ChunkPlace>,
}

impl ArchiveBlobs<'_> {
    /// Reads a chunk again.
    ///
    /// # Errors
    /// [`ArchiveError`] when the file has changed or cannot be read.
    pub(super) fn chunk(&self, place: ChunkPlace) -> Result<Vec<u8>, ArchiveError> {
        // A chunk has at most 64 KiB.
        let length = usize::try_from(place.bytes).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(length);
        let mut add = |piece: &[u8]| bytes.extend_from_slice(piece);
        self.frames.each_piece(place.at, length, &mut add)?;
        Ok(bytes)
    }

    pub(super) fn place_of(&self, chunk: &ChunkEntry) -> Option<ChunkPlace> {
        let place = self.chunks.get(&chunk.id).copied();
        place.filter(|place| place.bytes == chunk.bytes)
    }
}

impl BlobStore for ArchiveBlobs<'_> {
    fn get(&self, key: &BlobKey) -> Result<Vec<u8>, BlobError> {
        let hash = *key.id.as_bytes();
        let found = match key.kind {
            BlobKind::Node => self.nodes.get(&TreeId::new(hash)).cloned(),
            BlobKind::Chunk => match self.chunks.get(&ChunkId::new(hash)) {
                Some(place) => Some(self.chunk(*place).map_err(backend)?),
                None => None,
            },
            _ => None,
        };
        found.ok_or(BlobError::Missing(*key))
    }

    fn has(&self, keys: &[BlobKey]) -> Result<Vec<bool>, BlobError> {
        let is_here = |key: &BlobKey| {
            let hash = *key.id.as_bytes();
            match key.kind {
                BlobKind::Node => self.nodes.contains_key(&TreeId::new(hash)),
                BlobKind::Chunk => self.chunks.contains_key(&ChunkId::new(hash)),
                _ => false,
            }
        };
        Ok(keys.iter().map(is_here).collect())
    }

    fn put(&self, _: BlobKind, _: &[u8]) -> Result<BlobKey, BlobError> {
        Err(BlobError::Backend {
            kind: ErrorKind::Unsupported,
            source: "an archive is only read".into(),
        })
    }
}

fn backend(error: ArchiveError) -> BlobError {
    BlobError::Backend {
        kind: error.kind(),
        source: Box::new(error),
    }
}
