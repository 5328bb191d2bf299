//! Random interleavings of the steps of indexers, readers, removals and collections against the
//! rule that matters: what a committed root names can be read, always.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::chunk::Codec;
use crate::chunk::DeltaEncoder;
use crate::meta_store::MetaRead;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::pack::Record;
use crate::progress::NoProgress;
use crate::store::disk::BlobReader;
use crate::store::disk::DiskStore;
use crate::store::disk::GcOptions;
use crate::store::disk::LockGuard;
use crate::store::disk::Rooted;
use crate::store::disk::WriteSession;
use crate::store::disk::error::StoreError;
use crate::store::disk::gc::Kept;
use crate::store::disk::gc::bases::RetainedBases;
use crate::store::disk::gc::mark;
use crate::store::disk::gc::mark::Live;
use crate::store::disk::gc::sweep;
use crate::store::disk::io::sim::Dice;
use crate::store::disk::io::sim::SimDisk;
use crate::store::disk::pack::records::record_of_one;

/// Few blobs, so that indexers meet each other's and what is being collected.
const BLOBS: u64 = 12;

/// Stands for the lock of collections, whose steps are taken here one by one.
fn turn(store: &DiskStore) -> Arc<dyn LockGuard> {
    store.lock("turn").unwrap().into()
}

fn blob(n: u64) -> Vec<u8> {
    format!("blob number {n} ")
        .repeat(40 + n as usize)
        .into_bytes()
}

fn key(n: u64) -> BlobKey {
    BlobKey::new(BlobKind::Chunk, *blake3::hash(&blob(n)).as_bytes())
}

/// A blob's record: a delta where the other one is plain, here or in the session.
fn record(session: &WriteSession, n: u64, base: u64) -> Record {
    let record = record_of_one(key(n), &blob(n), 0, crate::pack::Flags::default()).unwrap();
    let located = session.locate(&[key(base)]).unwrap();
    match located.first().copied().flatten() {
        Some(at) if !at.is_delta && base != n => {
            let payload = DeltaEncoder::new().encode(&blob(n), blob(base));
            Record {
                codec: Codec::Delta,
                bases: vec![key(base).id],
                payload: payload.unwrap(),
                ..record
            }
        }
        _ => record,
    }
}

/// The blobs that these are deltas against.
fn bases_of(store: &DiskStore, keys: &[BlobKey]) -> Vec<BlobKey> {
    let reader = BlobReader::new(store).unwrap();
    let mut found = Vec::new();
    for (key, at) in keys.iter().zip(reader.locate(keys).unwrap()) {
        let at = at.unwrap();
        if at.is_delta {
            let header = reader.header(key, &at).unwrap();
            found.extend(header.bases.iter().map(|id| BlobKey { id: *id, ..*key }));
        }
    }
    found
}

/// A root's row holds the numbers of its blobs.
fn roots(tables: &dyn MetaRead) -> Result<Rooted, StoreError> {
    let mut keys = Vec::new();
    tables.scan(Table::Names, &[], &mut |_, value| {
        keys.extend(value.iter().map(|n| key(u64::from(*n))));
        Scan::Continue
    })?;
    Ok(keys.into())
}

struct Indexer {
    session: WriteSession,
    todo: Vec<u64>,
    done: Vec<u8>,
}

enum Collection {
    Marked(Live),
    Condemned,
    Waited,
    MarkedAgain(Live),
    Swept,
}

struct World {
    disk: SimDisk,
    store: DiskStore,
    dice: Dice,
    indexers: Vec<Indexer>,
    readers: Vec<(BlobReader, Vec<u8>)>,
    collection: Option<Collection>,
    roots: BTreeMap<u64, Vec<u8>>,
    next_root: u64,
    sweeps: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let disk = SimDisk::default();
        let store = DiskStore::on(Arc::new(disk.clone()), &|_, _| Ok(Vec::new())).unwrap();
        Self {
            disk,
            store,
            dice: Dice(seed),
            indexers: Vec::new(),
            readers: Vec::new(),
            collection: None,
            roots: BTreeMap::new(),
            next_root: 0,
            sweeps: 0,
        }
    }

    fn step(&mut self) {
        match self.dice.roll(12) {
            0 | 1 if self.indexers.len() < 3 => {
                let count = 1 + self.dice.roll(4);
                self.indexers.push(Indexer {
                    session: WriteSession::begin(&self.store).unwrap(),
                    todo: (0..count).map(|_| self.dice.roll(BLOBS)).collect(),
                    done: Vec::new(),
                });
            }
            2..=5 => self.index_one(),
            6 => self.unindex(),
            7 => self.read(),
            _ => self.collect(),
        }
    }

    /// One blob of an indexer, or its commit.
    fn index_one(&mut self) {
        if self.indexers.is_empty() {
            return;
        }
        let at = self.dice.roll(self.indexers.len() as u64) as usize;
        let indexer = &mut self.indexers[at];
        match indexer.todo.pop() {
            Some(n) => {
                if indexer.session.claim(&[key(n)]).unwrap() == [true] {
                    let base = self.dice.roll(BLOBS);
                    let record = record(&indexer.session, n, base);
                    indexer.session.append(&record).unwrap();
                }
                indexer.done.push(n as u8);
            }
            None => {
                let Indexer { session, done, .. } = self.indexers.swap_remove(at);
                let id = self.next_root;
                self.next_root += 1;
                let row = |t: &mut dyn crate::meta_store::MetaWrite| {
                    t.put(Table::Names, &id.to_le_bytes(), &done)
                };
                session.commit(|t, _| Ok::<_, StoreError>(row(t)?)).unwrap();
                self.roots.insert(id, done);
            }
        }
    }

    fn unindex(&mut self) {
        let ids: Vec<u64> = self.roots.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let id = ids[self.dice.roll(ids.len() as u64) as usize];
        self.roots.remove(&id);
        self.store
            .write(|t| Ok::<_, StoreError>(t.delete(Table::Names, &id.to_le_bytes())?))
            .unwrap();
    }

    /// A reader begins, or one reads everything that was there when it began, and ends.
    fn read(&mut self) {
        if self.readers.len() < 2 && self.dice.roll(2) == 0 {
            let reader = BlobReader::new(&self.store).unwrap();
            let wanted = self.roots.values().flatten().copied().collect();
            self.readers.push((reader, wanted));
        } else if let Some((reader, wanted)) = self.readers.pop() {
            for n in wanted {
                let n = u64::from(n);
                assert_eq!(reader.get(&key(n)).unwrap(), blob(n));
            }
        }
    }

    fn collect(&mut self) {
        let mark =
            |store: &DiskStore, keeping| mark::mark(store, &roots, keeping, &turn(store)).unwrap();
        self.collection = match self.collection.take() {
            None => Some(Collection::Marked(mark(&self.store, RetainedBases::Needed))),
            Some(Collection::Marked(live)) => {
                sweep::condemn(&self.store, &live).unwrap();
                Some(Collection::Condemned)
            }
            // A collection that cannot wait any longer gives up, as the real one does.
            Some(Collection::Condemned) => match self.store.outlives_earlier(Duration::ZERO) {
                Ok(true) => Some(Collection::Waited),
                _ if self.dice.roll(4) == 0 => None,
                _ => Some(Collection::Condemned),
            },
            Some(Collection::Waited) => {
                let again = mark(&self.store, RetainedBases::NotCondemned);
                Some(Collection::MarkedAgain(again))
            }
            Some(Collection::MarkedAgain(live)) => {
                sweep::sweep(&self.store, &live).unwrap();
                self.sweeps += 1;
                Some(Collection::Swept)
            }
            Some(Collection::Swept) => {
                let how = (Duration::ZERO, &turn(&self.store));
                self.store
                    .compact(&Kept::default(), how, &NoProgress)
                    .unwrap();
                None
            }
        };
    }

    fn check(&self) {
        let reader = BlobReader::new(&self.store).unwrap();
        for n in self.roots.values().flatten().map(|n| u64::from(*n)) {
            let got = reader.get(&key(n)).unwrap_or_else(|e| panic!("{n}: {e}"));
            assert_eq!(got, blob(n));
        }
    }

    /// Everybody ends; a collection then leaves exactly what the roots name.
    fn end(mut self) -> u64 {
        self.indexers.clear();
        self.readers.clear();
        let report = self
            .store
            .gc(&roots, &GcOptions::default(), &NoProgress)
            .unwrap();
        assert_eq!(report.deferred, None);
        self.check();
        let named = self.roots.values().flatten();
        let mut named: Vec<BlobKey> = named.map(|n| key(u64::from(*n))).collect();
        named.extend(bases_of(&self.store, &named));
        named.sort_unstable();
        named.dedup();
        assert_eq!(self.store.stats().unwrap().chunks, named.len() as u64);
        assert!(self.disk.used_bytes() > 0);
        self.sweeps
    }
}

#[test]
fn no_interleaving_loses_what_a_root_names() {
    let mut sweeps = 0;
    for seed in 0..400 {
        let mut world = World::new(seed);
        for _ in 0..90 {
            world.step();
            world.check();
        }
        sweeps += world.end();
    }
    assert!(sweeps > 150, "too few collections came through: {sweeps}");
}
