//! What a receiver has already, as far as it matters for one export.

use std::collections::HashSet;

use crate::blob_store::BlobKey;
use crate::catalog::Dataset;
use crate::manifest::each_node;
use crate::registry::error::Error;
use crate::store::disk::BlobReader;

/// The blobs of an export that the receiver has, and the datasets that they are from.
#[derive(Default)]
pub(crate) struct KnownBase {
    blobs: HashSet<[u8; 16]>,
    /// Those that are needed.
    pub(crate) datasets: Vec<Dataset>,
}

impl KnownBase {
    /// Looks which of the candidates share anything with what is exported. Memory follows the
    /// number of chunks that are exported.
    pub(crate) fn find(
        reader: &BlobReader,
        exported: &[Dataset],
        candidates: Vec<Dataset>,
    ) -> Result<Self, Error> {
        let mut base = Self::default();
        if candidates.is_empty() {
            return Ok(base);
        }
        let mut wanted = HashSet::new();
        for dataset in exported {
            each_blob(reader, dataset, &mut |key| wanted.insert(short(key)))?;
        }
        for candidate in candidates {
            let before = base.blobs.len();
            let mut seen = HashSet::new();
            each_blob(reader, &candidate, &mut |key| {
                if wanted.contains(&short(key)) {
                    base.blobs.insert(short(key));
                }
                // A node that comes again has nothing new below it.
                seen.insert(short(key))
            })?;
            if base.blobs.len() > before {
                base.datasets.push(candidate);
            }
        }
        Ok(base)
    }

    pub(crate) fn has(&self, key: &BlobKey) -> bool {
        self.blobs.contains(&short(key))
    }
}

fn each_blob(
    reader: &BlobReader,
    dataset: &Dataset,
    visit: &mut dyn FnMut(&BlobKey) -> bool,
) -> Result<(), Error> {
    let m = &dataset.manifest;
    for root in [m.file_table_root, m.chunk_tree_root] {
        each_node(reader, root, &mut |key| visit(&key))?;
    }
    Ok(())
}

fn short(key: &BlobKey) -> [u8; 16] {
    key.id.as_bytes().first_chunk().copied().unwrap_or_default()
}
