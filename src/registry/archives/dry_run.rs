//! Dry run of imports: reads archives to their ends, verifies and counts their blobs, and stores
//! nothing. For later archives of the same command, the datasets of earlier ones count as held.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::MutexGuard;

use crate::archive::ArchiveError;
use crate::archive::BaseBytes;
use crate::archive::BlobSink;
use crate::archive::EntryName;
use crate::archive::EntryReader;
use crate::archive::RecentBlobs;
use crate::archive::SimilarChunks;
use crate::archive::take_tree;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::catalog::RegisterKey;
use crate::ident::ChunkId;
use crate::ident::EnvelopeId;
use crate::ident::TreeId;
use crate::locks::lock;
use crate::manifest::ChunkEntry;
use crate::manifest::Manifest;
use crate::manifest::Rank;
use crate::progress::Progress;
use crate::registry::delta::base_bytes::base_bytes;
use crate::registry::error::Error;
use crate::store::disk::BlobReader;
use crate::store::disk::SessionStats;
use crate::trust::Origin;

/// Results of the archives of a dry run so far.
#[derive(Debug, Default)]
pub struct DryRun(Mutex<DryRunResults>);

#[derive(Debug, Default)]
struct DryRunResults {
    chunks: HashSet<ChunkId>,
    nodes: HashMap<TreeId, Vec<u8>>,
    /// The winning revision of every dataset.
    datasets: BTreeMap<RegisterKey, (Manifest, EnvelopeId)>,
}

/// Rank of an archive's dataset after the archives before it.
pub(super) enum DryRunRank {
    New,
    Same,
    Older,
}

impl DryRun {
    fn results(&self) -> MutexGuard<'_, DryRunResults> {
        lock(&self.0)
    }

    /// Returns a dataset that the archives so far would have imported.
    pub(super) fn find(&self, fits: impl Fn(&Manifest) -> bool) -> Option<Manifest> {
        let brought = self.results();
        let mut datasets = brought.datasets.values().map(|(m, _)| m);
        datasets.find(|m| fits(m)).cloned()
    }

    /// Returns the rank that another revision of a dataset would have.
    pub(super) fn rank(&self, manifest: &Manifest, id: EnvelopeId) -> DryRunRank {
        let brought = self.results();
        let key = RegisterKey::of(manifest, Origin::Elsewhere);
        match brought.datasets.get(&key) {
            Some((_, held)) if *held == id => DryRunRank::Same,
            Some((held, held_id)) if Rank::of(manifest, id) <= Rank::of(held, *held_id) => {
                DryRunRank::Older
            }
            _ => DryRunRank::New,
        }
    }

    /// Adds a dataset that would be imported.
    pub(super) fn add(&self, manifest: &Manifest, id: EnvelopeId) {
        let key = RegisterKey::of(manifest, Origin::Elsewhere);
        let datasets = &mut self.results().datasets;
        datasets.insert(key, (manifest.clone(), id));
    }

    /// Reads the trees of these datasets and counts their new chunks.
    ///
    /// # Errors
    /// [`ArchiveError`] like an import. Nothing of the archive counts then.
    pub(super) fn read<'m>(
        &self,
        reader: &mut EntryReader<'_>,
        (store, bases): (&BlobReader, &[Manifest]),
        manifests: impl Iterator<Item = &'m Manifest>,
        (is_whole, progress): (bool, &dyn Progress),
    ) -> Result<SessionStats, Error> {
        let mut brought = self.results();
        let mut counting = ChunkCounter {
            store,
            bases,
            before: &brought,
            chunks: HashMap::new(),
            nodes: HashMap::new(),
            progress,
        };
        let mut recent = RecentBlobs::default();
        for m in manifests {
            let table = m.file_table_root;
            take_tree(
                reader,
                &mut counting,
                &mut recent,
                table,
                m.file_table_bytes,
            )?;
            let data = m.chunk_tree_root;
            take_tree(reader, &mut counting, &mut recent, data, m.size_bytes)?;
        }
        if is_whole {
            reader.end()?;
        }
        let ChunkCounter { chunks, nodes, .. } = counting;
        let stats = SessionStats {
            new_chunks: chunks.len() as u64,
            new_bytes: chunks.values().map(|bytes| u64::from(*bytes)).sum(),
            stored_bytes: 0,
        };
        brought.chunks.extend(chunks.into_keys());
        brought.nodes.extend(nodes);
        Ok(stats)
    }
}

/// Counts the new chunks of an archive.
struct ChunkCounter<'a> {
    store: &'a BlobReader,
    bases: &'a [Manifest],
    before: &'a DryRunResults,
    /// Lengths of the new chunks, by id.
    chunks: HashMap<ChunkId, u32>,
    nodes: HashMap<TreeId, Vec<u8>>,
    progress: &'a dyn Progress,
}

impl ChunkCounter<'_> {
    fn count(&mut self, chunks: &[&ChunkEntry]) -> Result<(), Error> {
        if self.progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let key = |c: &&ChunkEntry| BlobKey::new(BlobKind::Chunk, *c.id.as_bytes());
        let keys: Vec<BlobKey> = chunks.iter().map(key).collect();
        for (chunk, is_here) in chunks.iter().zip(self.has(&keys)?) {
            self.progress.advance(u64::from(chunk.bytes));
            if !is_here {
                self.chunks.insert(chunk.id, chunk.bytes);
            }
        }
        Ok(())
    }
}

impl BlobSink for ChunkCounter<'_> {
    type Error = Error;

    fn has(&mut self, keys: &[BlobKey]) -> Result<Vec<bool>, Error> {
        let mut here = self.store.has(keys)?;
        for (key, here) in keys.iter().zip(&mut here) {
            let hash = *key.id.as_bytes();
            *here = *here
                || match key.kind {
                    BlobKind::Chunk => {
                        let id = ChunkId::new(hash);
                        self.chunks.contains_key(&id) || self.before.chunks.contains(&id)
                    }
                    BlobKind::Node => {
                        let id = TreeId::new(hash);
                        self.nodes.contains_key(&id) || self.before.nodes.contains_key(&id)
                    }
                    _ => false,
                };
        }
        Ok(here)
    }

    fn node(&mut self, id: TreeId) -> Result<Vec<u8>, Error> {
        if let Some(bytes) = self.nodes.get(&id).or(self.before.nodes.get(&id)) {
            return Ok(bytes.clone());
        }
        let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
        Ok(self.store.get(&key)?)
    }

    fn take_node(&mut self, id: TreeId, bytes: &[u8]) -> Result<(), Error> {
        self.nodes.insert(id, bytes.to_vec());
        Ok(())
    }

    fn take_chunk(&mut self, chunk: &ChunkEntry, bytes: Vec<u8>) -> Result<(), Error> {
        if ChunkId::of(&bytes) != chunk.id {
            let path = EntryName::chunk(&chunk.id).path();
            return Err(ArchiveError::Corrupt(path).into());
        }
        self.count(&[chunk])
    }

    fn take_unread(&mut self, chunks: &[&ChunkEntry], base: BaseBytes) -> Result<bool, Error> {
        let is_here = match self.bases.get(base.base) {
            Some(manifest) => {
                let root = *manifest.chunk_tree_root.as_bytes();
                self.store.has(&[BlobKey::new(BlobKind::Node, root)])? == [true]
            }
            None => true,
        };
        if !is_here {
            // An earlier archive would bring the base, but its bytes were not kept.
            self.count(chunks)?;
        }
        Ok(!is_here)
    }

    fn base(&mut self, base: BaseBytes) -> Result<Vec<u8>, Error> {
        let refuse = || ArchiveError::Missing("what a delta is against".to_owned());
        let manifest = self.bases.get(base.base).ok_or_else(refuse)?;
        let found = base_bytes(self.store, manifest, base)?;
        Ok(found.map(|(bytes, _)| bytes).ok_or_else(refuse)?)
    }

    fn take_similar(&mut self, came: SimilarChunks<'_>) -> Result<(), Error> {
        let mut rest = came.raw.as_slice();
        for chunk in came.chunks {
            let corrupt = || ArchiveError::Corrupt(EntryName::chunk(&chunk.id).path());
            let length = usize::try_from(chunk.bytes).unwrap_or(usize::MAX);
            let (part, after) = rest.split_at_checked(length).ok_or_else(corrupt)?;
            rest = after;
            if ChunkId::of(part) != chunk.id {
                return Err(corrupt().into());
            }
        }
        self.count(came.chunks)
    }
}
