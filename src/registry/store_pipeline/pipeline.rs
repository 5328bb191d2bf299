//! The pipeline that stores bytes: one thread reads, cuts and hashes files; workers hash chunks,
//! claim the new ones, compress and append them; one thread puts the tree together in order.
//! Queues are bounded, so memory does not depend on how much there is.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::Compressor;
use crate::chunk::count_newlines;
use crate::chunk::super_features;
use crate::ident::BlobId;
use crate::ident::ChunkId;
use crate::ident::TreeId;
use crate::manifest::ChunkEntry;
use crate::manifest::Totals;
use crate::manifest::TreeBuilder;
use crate::registry::delta::parent::ParentAlignment;
use crate::registry::delta::parent::ParentTree;
use crate::registry::delta::parent::Place;
use crate::registry::delta::similarity::Headers;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::delta::writer::DeltaWriter;
use crate::registry::error::Error;
use crate::registry::store_pipeline::chunker::Batch;
use crate::registry::store_pipeline::chunker::Chunker;
use crate::registry::store_pipeline::chunker::Pool;
use crate::registry::store_pipeline::packer::NewChunk;
use crate::registry::store_pipeline::packer::Packer;
use crate::registry::store_pipeline::tree_writer::add_node;
use crate::store::disk::BlobReader;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;

type Numbered = (u64, Stored);

/// Stores what `read` feeds, as chunks under one tree, which may resemble the one of the version
/// before, or chunks anywhere.
pub(crate) fn ingest<T>(
    session: &WriteSession,
    previous: Option<&ParentTree>,
    resembling: &SimilarityIndex,
    read: impl FnOnce(&mut Chunker<'_>) -> Result<T, Error>,
) -> Result<(T, TreeId, Totals), Error> {
    let workers = std::thread::available_parallelism().map_or(2, |n| n.get());
    let (batches, inbox) = mpsc::sync_channel::<Batch>(2);
    let (outbox, done) = mpsc::sync_channel::<Numbered>(workers * 2);
    let inbox = Mutex::new(inbox);
    let pool = Pool::default();
    let beside = previous.map(Beside::new);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                let outbox = outbox.clone();
                let (inbox, pool, beside) = (&inbox, &pool, beside.as_ref());
                // What makes deltas stays on its thread.
                let storing = move || Storing::beside(session, beside, resembling);
                scope.spawn(move || work(storing(), inbox, pool, &outbox))
            })
            .collect();
        drop(outbox);
        let tree = scope.spawn(move || build_tree(session, previous, done));
        let mut feeder = Chunker::new(&pool, batches);
        let value = read(&mut feeder);
        if value.is_ok() {
            feeder.end_region();
        }
        drop(feeder);
        let panicked =
            || Error::machine("run a worker thread", std::io::Error::other("it panicked"));
        let mut worked = Ok(());
        for handle in handles {
            let result = handle.join().map_err(|_| panicked())?;
            worked = worked.and(result.map_err(Error::from));
        }
        let tree = tree.join().map_err(|_| panicked())?;
        let value = value?;
        worked?;
        let (root, totals) = tree?;
        Ok((value, root, totals))
    })
}

fn work(
    mut storing: Storing<'_>,
    inbox: &Mutex<mpsc::Receiver<Batch>>,
    pool: &Pool,
    outbox: &mpsc::SyncSender<Numbered>,
) -> Result<(), StoreError> {
    let mut failed = None;
    loop {
        let next = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { break };
        // After an error, batches are only taken off the queue so that the reader can end.
        if failed.is_none() {
            match storing.batch(&batch) {
                Ok(stored) => {
                    let _ = outbox.send((batch.number, stored));
                }
                Err(error) => failed = Some(error),
            }
        } else if let Some(beside) = &storing.beside {
            beside.place(batch.number, &[]);
        }
        pool.give_back(batch.data);
    }
    failed.map_or(Ok(()), Err)
}

/// What one batch came to: its chunks, and the leaves of the version before that lie where they
/// lie.
pub(crate) struct Stored {
    pub(crate) entries: Vec<ChunkEntry>,
    leaves: Vec<Option<TreeId>>,
}

/// What stores a batch, on one thread.
pub(crate) struct Storing<'a> {
    session: &'a WriteSession,
    compressor: Compressor,
    beside: Option<&'a Beside<'a>>,
    resembling: (&'a SimilarityIndex, Headers),
    deltas: DeltaWriter<'a>,
    /// Whether what was stored plain last hardly became shorter: what follows is not looked for then.
    is_dense: bool,
}

impl<'a> Storing<'a> {
    /// With the version before, if there is one, and all that is in the store.
    pub(crate) fn beside(
        session: &'a WriteSession,
        beside: Option<&'a Beside<'a>>,
        resembling: &'a SimilarityIndex,
    ) -> Self {
        let reader = beside.map_or(&resembling.reader, |b| b.reader);
        Self {
            session,
            compressor: Compressor::new(),
            beside,
            resembling: (resembling, Headers::default()),
            deltas: DeltaWriter::new(session, reader),
            is_dense: false,
        }
    }

    pub(crate) fn batch(&mut self, batch: &Batch) -> Result<Stored, StoreError> {
        let mut start = 0;
        let parts: Vec<Range<usize>> = batch
            .ends
            .iter()
            .map(|end| std::mem::replace(&mut start, *end)..*end)
            .collect();
        let entry = |part: &Range<usize>| {
            let chunk = batch.data.get(part.clone()).unwrap_or_default();
            ChunkEntry {
                id: ChunkId::of(chunk),
                // At most CHUNK_BYTES_MAX.
                bytes: chunk.len() as u32,
                newlines: count_newlines(chunk),
            }
        };
        let entries: Vec<ChunkEntry> = parts.iter().map(entry).collect();
        let places = match &self.beside {
            Some(beside) => beside.place(batch.number, &entries),
            None => Vec::new(),
        };
        let key = |e: &ChunkEntry| BlobKey::new(BlobKind::Chunk, *e.id.as_bytes());
        let keys: Vec<BlobKey> = entries.iter().map(key).collect();
        let fresh = self.session.claim(&keys)?;
        let fresh = keys.iter().zip(&fresh).zip(parts).zip(0..);
        let mut fresh: Vec<Fresh> = fresh
            .filter(|(((_, fresh), _), _)| **fresh)
            .map(|(((key, _), part), n)| self.fresh(batch, (n, key.id), part, places.get(n)))
            .collect();
        let found = match self.deltas.passes_over(fresh.len()) {
            true => HashMap::new(),
            false => self.bases(&mut fresh)?,
        };
        let mut segments = Packer::new(
            self.session,
            &mut self.compressor,
            &mut self.deltas,
            self.resembling.0,
            &batch.data,
        );
        for Fresh { chunk, near, .. } in fresh {
            let bases = near.iter().filter_map(|id| found.get(id));
            let bases: Vec<BlobId> = bases.flatten().copied().collect();
            segments.add(chunk, &bases)?;
        }
        self.is_dense = segments.finish()?.unwrap_or(self.is_dense);
        Ok(Stored {
            entries,
            leaves: places.iter().map(|p| p.leaf).collect(),
        })
    }

    /// A new chunk, beside what lies where it lies in the version before. What resembles it elsewhere is
    /// looked for where that is nothing.
    fn fresh(
        &self,
        batch: &Batch,
        (number, id): (usize, BlobId),
        part: Range<usize>,
        place: Option<&Place>,
    ) -> Fresh {
        let near = place.map_or_else(Vec::new, |place| place.chunks.clone());
        let bytes = batch.data.get(part.clone()).unwrap_or_default();
        let is_asked = near.is_empty() && !self.is_dense;
        let features = is_asked.then(|| super_features(bytes)).flatten();
        let chunk = NewChunk { id, part, features };
        Fresh {
            number,
            chunk,
            near,
        }
    }

    /// The plain chunks that each of those which new ones may resemble stands for.
    fn bases(&mut self, fresh: &mut [Fresh]) -> Result<HashMap<BlobId, Vec<BlobId>>, StoreError> {
        let (resembling, headers) = &mut self.resembling;
        headers.leave_run();
        for one in fresh.iter_mut() {
            let features = one.chunk.features;
            let found = features.and_then(|f| resembling.find(&f, one.number, headers));
            one.near.extend(found);
        }
        let wanted: Vec<BlobId> = fresh.iter().flat_map(|f| f.near.iter().copied()).collect();
        self.deltas.plain_bases(BlobKind::Chunk, &wanted)
    }
}

/// A chunk that is new, and others that it may resemble.
struct Fresh {
    /// Which of the batch it is.
    number: usize,
    chunk: NewChunk,
    near: Vec<BlobId>,
}

/// The version before, for batches that are stored by several threads and looked for in order.
pub(crate) struct Beside<'a> {
    reader: &'a BlobReader,
    state: Mutex<(u64, ParentAlignment<'a>)>,
    turn: Condvar,
}

impl<'a> Beside<'a> {
    fn new(previous: &'a ParentTree) -> Self {
        Self {
            reader: &previous.reader,
            state: Mutex::new((0, ParentAlignment::new(previous))),
            turn: Condvar::new(),
        }
    }

    /// What lies where the chunks of a batch lie. Every batch has to be placed: the next waits.
    fn place(&self, number: u64, entries: &[ChunkEntry]) -> Vec<Place> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Batches are taken up in order, so that the one before is another thread's by now.
        while state.0 < number {
            let waited = self.turn.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let places = state.1.place(entries);
        state.0 = number + 1;
        self.turn.notify_all();
        places
    }
}

fn build_tree(
    session: &WriteSession,
    previous: Option<&ParentTree>,
    done: mpsc::Receiver<Numbered>,
) -> Result<(TreeId, Totals), Error> {
    let mut early = BTreeMap::new();
    let mut next = 0_u64;
    let mut builder = TreeBuilder::new();
    let mut failed: Option<StoreError> = None;
    let mut deltas = previous.map(|p| DeltaWriter::new(session, &p.reader));
    // Leaves of the version before that lie where the chunks of the next leaf lie.
    let near = RefCell::new(Vec::<TreeId>::new());
    let mut emit = |_: TreeId, bytes: Vec<u8>| {
        // A leaf comes before the nodes above it, and takes them.
        let near = near.take();
        if failed.is_none()
            && let Err(e) = add_node(session, deltas.as_mut(), near, &bytes)
        {
            failed = Some(e);
        }
    };
    for (number, stored) in done {
        early.insert(number, stored);
        while let Some(Stored { entries, leaves }) = early.remove(&next) {
            for (n, entry) in entries.into_iter().enumerate() {
                near.borrow_mut().extend(leaves.get(n).copied().flatten());
                builder.push(entry, &mut emit);
            }
            next += 1;
        }
    }
    let (root, totals) = builder.finish(&mut emit);
    match failed {
        Some(error) => Err(error.into()),
        None => Ok((root, totals)),
    }
}
