//! A dry run of imports: archives are read to their ends and their blobs are checked and counted, and
//! nothing is stored. What one archive of a command would bring counts as here for those after it.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::archive::ArchiveError;
use crate::archive::BaseBytes;
use crate::archive::BlobSink;
use crate::archive::EntryName;
use crate::archive::EntryReader;
use crate::archive::Recent;
use crate::archive::SimilarChunks;
use crate::archive::take_tree;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::catalog::RegisterKey;
use crate::ident::ChunkId;
use crate::ident::EnvelopeId;
use crate::ident::TreeId;
use crate::manifest::ChunkEntry;
use crate::manifest::Manifest;
use crate::manifest::Rank;
use crate::progress::Progress;
use crate::registry::archives::alignment::base_bytes;
use crate::registry::error::Error;
use crate::store::disk::BlobReader;
use crate::store::disk::SessionStats;
use crate::trust::Origin;

/// What the archives of a dry run would have brought so far.
#[derive(Debug, Default)]
pub struct Rehearsal(Mutex<Brought>);

#[derive(Debug, Default)]
struct Brought {
    chunks: HashSet<ChunkId>,
    nodes: HashMap<TreeId, Vec<u8>>,
    /// The revision of every dataset that would count.
    datasets: BTreeMap<RegisterKey, (Manifest, EnvelopeId)>,
}

/// What a dataset of an archive would be, after the archives before it.
pub(super) enum Rehearsed {
    New,
    Same,
    Older,
}

impl Rehearsal {
    fn brought(&self) -> MutexGuard<'_, Brought> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A dataset that would be here by now.
    pub(super) fn find(&self, fits: impl Fn(&Manifest) -> bool) -> Option<Manifest> {
        let brought = self.brought();
        let mut datasets = brought.datasets.values().map(|(m, _)| m);
        datasets.find(|m| fits(m)).cloned()
    }

    /// What another revision of a dataset would be.
    pub(super) fn rank(&self, manifest: &Manifest, id: EnvelopeId) -> Rehearsed {
        let brought = self.brought();
        let key = RegisterKey::of(manifest, Origin::Elsewhere);
        match brought.datasets.get(&key) {
            Some((_, held)) if *held == id => Rehearsed::Same,
            Some((held, held_id)) if Rank::of(manifest, id) <= Rank::of(held, *held_id) => {
                Rehearsed::Older
            }
            _ => Rehearsed::New,
        }
    }

    /// A dataset would be here.
    pub(super) fn add(&self, manifest: &Manifest, id: EnvelopeId) {
        let key = RegisterKey::of(manifest, Origin::Elsewhere);
        let datasets = &mut self.brought().datasets;
        datasets.insert(key, (manifest.clone(), id));
    }

    /// Reads the trees of these datasets and counts what is new of them.
    ///
    /// # Errors
    /// [`ArchiveError`] as an import would; nothing of the archive counts then.
    pub(super) fn read<'m>(
        &self,
        reader: &mut EntryReader<'_>,
        (store, bases): (&BlobReader, &[Manifest]),
        manifests: impl Iterator<Item = &'m Manifest>,
        (is_whole, progress): (bool, &dyn Progress),
    ) -> Result<SessionStats, Error> {
        let mut brought = self.brought();
        let mut counting = Counting {
            store,
            bases,
            before: &brought,
            chunks: HashMap::new(),
            nodes: HashMap::new(),
            progress,
        };
        let mut recent = Recent::default();
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
        let Counting { chunks, nodes, .. } = counting;
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

/// Counts what an archive brings.
struct Counting<'a> {
    store: &'a BlobReader,
    bases: &'a [Manifest],
    before: &'a Brought,
    /// Chunks that are new, and their bytes.
    chunks: HashMap<ChunkId, u32>,
    nodes: HashMap<TreeId, Vec<u8>>,
    progress: &'a dyn Progress,
}

impl Counting<'_> {
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

impl BlobSink for Counting<'_> {
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
            // The base would come with an archive before, whose bytes were not kept.
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

    fn take_resembling(&mut self, came: SimilarChunks<'_>) -> Result<(), Error> {
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
