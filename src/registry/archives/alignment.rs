//! What of a base each chunk of an export resembles. It follows from the datasets alone, not from how
//! they are stored here.

use std::collections::HashMap;

use crate::archive::BaseBytes;
use crate::archive::delta;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::catalog::Dataset;
use crate::ident::BlobId;
use crate::manifest::ChunkEntry;
use crate::manifest::Manifest;
use crate::manifest::TreeWalk;
use crate::registry::archives::base::KnownBase;
use crate::registry::delta::parent::ParentAlignment;
use crate::registry::delta::parent::ParentTree;
use crate::registry::error::Error;
use crate::store::disk::BlobReader;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;

/// Chunks that are placed at a time.
const BATCH_CHUNKS: usize = 4096;

/// Which bytes of a base chunks resemble, by the first bytes of their ids. Memory follows the
/// number of chunks that are exported.
#[derive(Default)]
pub(crate) struct Resembled(HashMap<[u8; 16], BaseBytes>);

impl Resembled {
    /// Puts every dataset beside the newest base of its line, or else of its name.
    pub(crate) fn find(
        reader: &BlobReader,
        exported: &[Dataset],
        base: &KnownBase,
    ) -> Result<Self, Error> {
        let mut found = Self::default();
        for dataset in exported {
            if let Some(n) = nearest(&dataset.manifest, &base.datasets)
                && let Some(beside) = base.datasets.get(n)
            {
                found.put(reader, &dataset.manifest, (n, &beside.manifest), base)?;
            }
        }
        Ok(found)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of(&self, chunk: &ChunkEntry) -> Option<BaseBytes> {
        self.0.get(&short(chunk)).copied()
    }

    fn put(
        &mut self,
        reader: &BlobReader,
        m: &Manifest,
        (number, beside): (usize, &Manifest),
        base: &KnownBase,
    ) -> Result<(), Error> {
        let previous = ParentTree {
            reader: reader.again()?,
            root: beside.chunk_tree_root,
            size: beside.size_bytes,
        };
        let mut alignment = ParentAlignment::new(&previous);
        let mut walk = TreeWalk::new(reader, m.chunk_tree_root, m.size_bytes, 0)?;
        loop {
            let mut chunks = Vec::new();
            for chunk in walk.by_ref().take(BATCH_CHUNKS) {
                chunks.push(chunk?.1);
            }
            if chunks.is_empty() {
                return Ok(());
            }
            let places = alignment.place(&chunks);
            for (chunk, place) in chunks.iter().zip(places) {
                let key = BlobKey::new(BlobKind::Chunk, *chunk.id.as_bytes());
                if let Some(run) = place.run.filter(|_| !base.has(&key)) {
                    let bytes = BaseBytes {
                        base: number,
                        from: run.from,
                        bytes: run.bytes,
                    };
                    self.0.entry(short(chunk)).or_insert(bytes);
                }
            }
        }
    }
}

fn short(chunk: &ChunkEntry) -> [u8; 16] {
    let id = chunk.id.as_bytes();
    id.first_chunk().copied().unwrap_or_default()
}

/// The base that a dataset is likely to resemble most.
fn nearest(m: &Manifest, bases: &[Dataset]) -> Option<usize> {
    let rank = |d: &Dataset| {
        let same_line = d.manifest.line == m.line;
        let same_name = d.manifest.name == m.name;
        let version = d.manifest.dataset_version.clone();
        (same_line || same_name).then_some((same_line, version, d.envelope_id))
    };
    let ranked = bases.iter().enumerate();
    let ranked = ranked.filter_map(|(n, d)| Some((rank(d)?, n)));
    ranked.max().map(|(_, n)| n)
}

/// Bytes of a dataset, and the ids of the chunks that they are.
type BytesAndChunks = (Vec<u8>, Vec<BlobId>);

/// Bytes of a dataset that is here; `None` where no whole chunks are, or too many.
pub(crate) fn base_bytes(
    reader: &BlobReader,
    m: &Manifest,
    wanted: BaseBytes,
) -> Result<Option<BytesAndChunks>, Error> {
    let Some(end) = wanted.from.checked_add(wanted.bytes) else {
        return Ok(None);
    };
    if end > m.size_bytes || wanted.bytes > RECORD_BASE_BYTES_MAX as u64 || wanted.bytes == 0 {
        return Ok(None);
    }
    let mut walk = TreeWalk::new(reader, m.chunk_tree_root, m.size_bytes, wanted.from)?;
    let (mut bytes, mut ids) = (Vec::new(), Vec::new());
    if walk.offset() != wanted.from {
        return Ok(None);
    }
    while (bytes.len() as u64) < wanted.bytes {
        let Some(chunk) = walk.next() else {
            return Ok(None);
        };
        let key = BlobKey::new(BlobKind::Chunk, *chunk?.1.id.as_bytes());
        bytes.extend_from_slice(&reader.get(&key)?);
        ids.push(key.id);
    }
    Ok((bytes.len() as u64 == wanted.bytes).then_some((bytes, ids)))
}

/// The frame of a delta against bytes of a dataset that is here, where it pays.
pub(crate) fn frame(
    reader: &BlobReader,
    base: &KnownBase,
    raw: &[u8],
    wanted: BaseBytes,
) -> Result<Option<Vec<u8>>, Error> {
    let Some(dataset) = base.datasets.get(wanted.base) else {
        return Ok(None);
    };
    match base_bytes(reader, &dataset.manifest, wanted)? {
        Some((bytes, _)) => Ok(delta(raw, bytes)?),
        None => Ok(None),
    }
}
