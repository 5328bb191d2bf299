//! Store pipeline. One thread reads, cuts and hashes files, workers hash chunks, claim the new
//! ones, compress and append them, and one thread builds the tree in order. Bounded queues keep
//! memory independent of the amount of data.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::Compressor;
use crate::chunk::count_newlines;
use crate::chunk::super_features;
use crate::ident::BlobId;
use crate::ident::ChunkId;
use crate::ident::TreeId;
use crate::locks::lock;
use crate::locks::threads;
use crate::manifest::ChunkEntry;
use crate::manifest::Totals;
use crate::manifest::TreeBuilder;
use crate::registry::delta::parent::ParentAlignment;
use crate::registry::delta::parent::ParentPlace;
use crate::registry::delta::parent::ParentTree;
use crate::registry::delta::similarity::HeaderCache;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::delta::writer::DeltaWriter;
use crate::registry::error::Error;
use crate::registry::store_pipeline::chunker::Batch;
use crate::registry::store_pipeline::chunker::BufferPool;
use crate::registry::store_pipeline::chunker::ChunkOfBatch;
use crate::registry::store_pipeline::chunker::Chunker;
use crate::registry::store_pipeline::packer::NewChunk;
use crate::registry::store_pipeline::packer::Packer;
use crate::registry::store_pipeline::tree_writer::add_node;
use crate::store::disk::BlobReader;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;

type NumberedBatch = (u64, StoredBatch);

/// Makes the data before a mark durable. It takes the root and the totals of the tree of all chunks
/// before the mark, whose nodes are stored.
pub(crate) type OnMark<'a> = dyn Fn(TreeId, Totals) -> Result<(), Error> + Sync + 'a;

/// Stores the bytes that `read` feeds, as chunks of one tree. They may become deltas against the
/// parent tree, or against chunks anywhere in the store.
pub(crate) fn ingest<T>(
    session: &WriteSession,
    previous: Option<&ParentTree>,
    similarity: &SimilarityIndex,
    read: impl FnOnce(&mut Chunker<'_>) -> Result<T, Error>,
) -> Result<(T, TreeId, Totals), Error> {
    ingest_with_marks(session, previous, similarity, &|_, _| Ok(()), read)
}

/// As [`ingest`]; `on_mark` is called at every mark of the chunker, in order.
pub(crate) fn ingest_with_marks<T>(
    session: &WriteSession,
    previous: Option<&ParentTree>,
    similarity: &SimilarityIndex,
    on_mark: &OnMark<'_>,
    read: impl FnOnce(&mut Chunker<'_>) -> Result<T, Error>,
) -> Result<(T, TreeId, Totals), Error> {
    let workers = threads();
    let (batches, inbox) = mpsc::sync_channel::<Batch>(2);
    let (outbox, done) = mpsc::sync_channel::<NumberedBatch>(workers * 2);
    let inbox = Mutex::new(inbox);
    let pool = BufferPool::default();
    let alignment = previous.map(SharedAlignment::new);
    let is_stopped = AtomicBool::new(false);
    let is_stopped = &is_stopped;
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                let outbox = outbox.clone();
                let (inbox, pool, alignment) = (&inbox, &pool, alignment.as_ref());
                // A delta encoder stays on its thread.
                let storer = move || ChunkStorer::with_parent(session, alignment, similarity);
                scope.spawn(move || {
                    let worked = work(storer(), (inbox, is_stopped), pool, &outbox);
                    worked.map_err(Error::from)
                })
            })
            .collect();
        drop(outbox);
        let tree = scope.spawn(move || {
            let built = build_tree(session, previous, on_mark, done);
            is_stopped.fetch_or(built.is_err(), Ordering::Relaxed);
            built
        });
        let mut chunker = Chunker::new(&pool, batches, is_stopped);
        let value = read(&mut chunker);
        if value.is_ok() {
            chunker.end_region();
        }
        drop(chunker);
        let panicked = |_| Error::WorkerPanicked("worker");
        let mut worked = Ok(());
        for handle in handles {
            let result = handle.join().map_err(panicked)?;
            worked = worked.and(result);
        }
        let tree = tree.join().map_err(panicked)?;
        worked?;
        let (root, totals) = tree?;
        let value = value?;
        Ok((value, root, totals))
    })
}

fn work(
    mut storer: ChunkStorer<'_>,
    (inbox, is_stopped): (&Mutex<mpsc::Receiver<Batch>>, &AtomicBool),
    pool: &BufferPool,
    outbox: &mpsc::SyncSender<NumberedBatch>,
) -> Result<(), StoreError> {
    let mut failed = None;
    loop {
        let next = lock(inbox).recv();
        let Ok(batch) = next else { break };
        // After an error, batches are dropped so that the reader can end.
        if failed.is_none() {
            match storer.batch(&batch) {
                Ok(stored) => {
                    let _ = outbox.send((batch.number, stored));
                }
                Err(error) => {
                    failed = Some(error);
                    is_stopped.store(true, Ordering::Relaxed);
                }
            }
        } else if let Some(alignment) = &storer.alignment {
            alignment.place(batch.number, &[]);
        }
        pool.give_back(batch.data);
    }
    failed.map_or(Ok(()), Err)
}

/// Result of one batch: its chunks, and the parent's leaves at their positions.
pub(crate) struct StoredBatch {
    pub(crate) entries: Vec<ChunkEntry>,
    leaves: Vec<Option<TreeId>>,
    is_marked: bool,
}

/// Stores batches, on one thread.
pub(crate) struct ChunkStorer<'a> {
    session: &'a WriteSession,
    compressor: Compressor,
    alignment: Option<&'a SharedAlignment<'a>>,
    similarity: (&'a SimilarityIndex, HeaderCache),
    deltas: DeltaWriter<'a>,
    /// True if the last plain record hardly compressed. The next chunks are then not looked up.
    is_dense: bool,
}

impl<'a> ChunkStorer<'a> {
    /// Creates a storer with the parent version, if there is one, and the similarity index.
    pub(crate) fn with_parent(
        session: &'a WriteSession,
        alignment: Option<&'a SharedAlignment<'a>>,
        similarity: &'a SimilarityIndex,
    ) -> Self {
        let reader = alignment.map_or(&similarity.reader, |b| b.reader);
        Self {
            session,
            compressor: Compressor::new(),
            alignment,
            similarity: (similarity, HeaderCache::default()),
            deltas: DeltaWriter::new(session, reader),
            is_dense: false,
        }
    }

    pub(crate) fn batch(&mut self, batch: &Batch) -> Result<StoredBatch, StoreError> {
        let chunks = batch.chunks();
        let entry = |chunk: &ChunkOfBatch| match chunk {
            ChunkOfBatch::Data(part) => entry_of(batch.data.get(part.clone()).unwrap_or_default()),
            ChunkOfBatch::Known(known) => *known,
        };
        let entries: Vec<ChunkEntry> = chunks.iter().map(entry).collect();
        let places = match &self.alignment {
            Some(alignment) => alignment.place(batch.number, &entries),
            None => Vec::new(),
        };
        let key = |e: &ChunkEntry| BlobKey::new(BlobKind::Chunk, *e.id.as_bytes());
        let keys: Vec<BlobKey> = entries.iter().map(key).collect();
        // Claiming protects chunks that the store has from a collection.
        let claimed = self.session.claim(&keys)?;
        let mut fresh = Vec::new();
        for (n, chunk) in chunks.into_iter().enumerate() {
            let (Some(key), Some(true)) = (keys.get(n), claimed.get(n)) else {
                continue;
            };
            let ChunkOfBatch::Data(part) = chunk else {
                return Err(StoreError::Blob(BlobError::Missing(*key)));
            };
            fresh.push(self.fresh_chunk(batch, (n, key.id), part, places.get(n)));
        }
        let found = if self.deltas.skip_if_paused(fresh.len()) {
            HashMap::new()
        } else {
            self.bases(&mut fresh)?
        };
        let mut segments = Packer::new(
            self.session,
            &mut self.compressor,
            &mut self.deltas,
            self.similarity.0,
            &batch.data,
        );
        for BatchChunk { chunk, near, .. } in fresh {
            let bases = near.iter().filter_map(|id| found.get(id));
            let bases: Vec<BlobId> = bases.flatten().copied().collect();
            segments.add(chunk, &bases)?;
        }
        self.is_dense = segments.finish()?.unwrap_or(self.is_dense);
        Ok(StoredBatch {
            entries,
            leaves: places.iter().map(|p| p.leaf).collect(),
            is_marked: batch.is_marked,
        })
    }

    /// Creates a new chunk with the parent's chunks at its position as candidates. Without those it
    /// looks up similar chunks.
    fn fresh_chunk(
        &self,
        batch: &Batch,
        (number, id): (usize, BlobId),
        part: Range<usize>,
        place: Option<&ParentPlace>,
    ) -> BatchChunk {
        let near = place.map_or_else(Vec::new, |place| place.chunks.clone());
        let bytes = batch.data.get(part.clone()).unwrap_or_default();
        let is_asked = near.is_empty() && !self.is_dense;
        let features = is_asked.then(|| super_features(bytes)).flatten();
        let chunk = NewChunk { id, part, features };
        BatchChunk {
            number,
            chunk,
            near,
        }
    }

    /// Returns the plain chunks for each candidate base of new chunks.
    fn bases(
        &mut self,
        fresh: &mut [BatchChunk],
    ) -> Result<HashMap<BlobId, Vec<BlobId>>, StoreError> {
        let (similarity, headers) = &mut self.similarity;
        headers.reset_run();
        for one in fresh.iter_mut() {
            let features = one.chunk.features;
            let found = features.and_then(|f| similarity.find(&f, one.number, headers));
            one.near.extend(found);
        }
        let wanted: Vec<BlobId> = fresh.iter().flat_map(|f| f.near.iter().copied()).collect();
        self.deltas.plain_bases(BlobKind::Chunk, &wanted)
    }
}

fn entry_of(chunk: &[u8]) -> ChunkEntry {
    ChunkEntry {
        id: ChunkId::of(chunk),
        // At most CHUNK_BYTES_MAX.
        bytes: chunk.len() as u32,
        newlines: count_newlines(chunk),
    }
}

/// A new chunk with its candidate bases.
struct BatchChunk {
    /// Its number in the batch.
    number: usize,
    chunk: NewChunk,
    near: Vec<BlobId>,
}

/// Alignment with the parent version, shared by threads that take batches in order.
pub(crate) struct SharedAlignment<'a> {
    reader: &'a BlobReader,
    state: Mutex<(u64, ParentAlignment<'a>)>,
    turn: Condvar,
}

impl<'a> SharedAlignment<'a> {
    fn new(previous: &'a ParentTree) -> Self {
        Self {
            reader: &previous.reader,
            state: Mutex::new((0, ParentAlignment::new(previous))),
            turn: Condvar::new(),
        }
    }

    /// Returns the parent's part at each chunk of a batch. Every batch has to be placed, because
    /// the next one waits for it.
    fn place(&self, number: u64, entries: &[ChunkEntry]) -> Vec<ParentPlace> {
        let mut state = lock(&self.state);
        // Batches are taken in order, so another thread already has the one before.
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
    on_mark: &OnMark<'_>,
    done: mpsc::Receiver<NumberedBatch>,
) -> Result<(TreeId, Totals), Error> {
    let mut early = BTreeMap::new();
    let mut next = 0_u64;
    let mut builder = TreeBuilder::new();
    let mut failed: Option<StoreError> = None;
    let mut deltas = previous.map(|p| DeltaWriter::new(session, &p.reader));
    // The parent's leaves at the chunks of the next leaf.
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
        while let Some(StoredBatch {
            entries,
            leaves,
            is_marked,
        }) = early.remove(&next)
        {
            for (n, entry) in entries.into_iter().enumerate() {
                near.borrow_mut().extend(leaves.get(n).copied().flatten());
                builder.push(entry, &mut emit);
            }
            if is_marked {
                call_on_mark(session, &builder, on_mark)?;
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

/// Stores the nodes of the tree so far, and calls `on_mark`.
fn call_on_mark(
    session: &WriteSession,
    builder: &TreeBuilder,
    on_mark: &OnMark<'_>,
) -> Result<(), Error> {
    let mut stored = Ok(());
    let mut emit = |_: TreeId, bytes: Vec<u8>| {
        if stored.is_ok() {
            stored = session.add(BlobKind::Node, &bytes).map(drop);
        }
    };
    let (root, totals) = builder.clone().finish(&mut emit);
    stored?;
    on_mark(root, totals)
}
