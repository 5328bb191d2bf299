//! Alignment of exported chunks with the bases of an incremental archive. It depends only on the
//! datasets, not on their storage here.

use std::collections::HashMap;

use crate::archive::BaseBytes;
use crate::archive::delta;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::catalog::Dataset;
use crate::manifest::ChunkEntry;
use crate::manifest::Manifest;
use crate::manifest::TreeWalk;
use crate::registry::archives::base::KnownBase;
use crate::registry::delta::base_bytes::base_bytes;
use crate::registry::delta::parent::ParentAlignment;
use crate::registry::delta::parent::ParentTree;
use crate::registry::error::Error;
use crate::store::disk::BlobReader;

/// Chunks that are aligned at a time.
const BATCH_CHUNKS: usize = 4096;

/// The similar base bytes of exported chunks, by the first bytes of their chunk ids. Memory is
/// proportional to the number of exported chunks.
#[derive(Default)]
pub(crate) struct ExportAlignment(HashMap<[u8; 16], BaseBytes>);

impl ExportAlignment {
    /// Aligns every dataset with the newest base of its series, or otherwise of its name.
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
            reader: reader.reopen()?,
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

/// Returns the base that a dataset probably resembles most.
fn nearest(m: &Manifest, bases: &[Dataset]) -> Option<usize> {
    let rank = |d: &Dataset| {
        let same_line = d.manifest.series == m.series;
        let same_name = d.manifest.name == m.name;
        let version = d.manifest.dataset_version.clone();
        (same_line || same_name).then_some((same_line, version, d.envelope_id))
    };
    let ranked = bases.iter().enumerate();
    let ranked = ranked.filter_map(|(n, d)| Some((rank(d)?, n)));
    ranked.max().map(|(_, n)| n)
}

/// Encodes a delta frame against bytes of a held dataset, if it saves space.
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
