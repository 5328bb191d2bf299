//! Base of an incremental archive: the blobs that its receiver holds.

use std::collections::HashSet;

use crate::archive::ArchiveHeader;
use crate::blob_store::BlobKey;
use crate::catalog;
use crate::catalog::Dataset;
use crate::ident::ContentId;
use crate::manifest::Manifest;
use crate::manifest::each_node;
use crate::registry::archives::Archives;
use crate::registry::archives::dry_run::DryRun;
use crate::registry::error::Error;
use crate::registry::error::transfer::TransferError;
use crate::store::disk::BlobReader;

/// The exported blobs that the receiver holds, and the datasets that contain them.
#[derive(Default)]
pub(crate) struct KnownBase {
    blobs: HashSet<[u8; 16]>,
    /// Candidate datasets that share a blob with the export.
    pub(crate) datasets: Vec<Dataset>,
}

impl KnownBase {
    /// Selects the candidates that share a blob with the export. Memory is proportional to the
    /// number of exported chunks.
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
                // Below a repeated node there is nothing new.
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

impl Archives<'_> {
    /// Returns the datasets that an archive needs, in its order.
    pub(super) fn bases(
        &self,
        header: &ArchiveHeader,
        dry_run_state: &DryRun,
    ) -> Result<Vec<Manifest>, Error> {
        let mut bases = Vec::new();
        for base in &header.base {
            let id = ContentId::parse_hex(&base.content_id);
            let held = match id {
                Some(id) => self
                    .registry
                    .store
                    .read(|t| Ok::<_, Error>(catalog::by_content(t, &id, |c| *c == id)?))?,
                None => Vec::new(),
            };
            let fits = |d: &Dataset| d.manifest.chunk_tree_root.to_hex() == base.chunk_tree_root;
            let missing = || {
                Error::Transfer(TransferError::BaseMissing {
                    name: base.name.chars().take(200).collect(),
                    version: base.version.chars().take(100).collect(),
                    content_id: base.content_id.chars().take(64).collect(),
                })
            };
            let held = held.into_iter().find(fits).map(|d| d.manifest);
            let held = held.or_else(|| {
                dry_run_state.find(|m| {
                    let is_its_tree = m.chunk_tree_root.to_hex() == base.chunk_tree_root;
                    is_its_tree && id == Some(m.content_id)
                })
            });
            bases.push(held.ok_or_else(missing)?);
        }
        Ok(bases)
    }
}
