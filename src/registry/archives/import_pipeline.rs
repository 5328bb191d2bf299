//! Import pipeline: worker threads hash, claim, compress and append the chunks of an archive in
//! batches, like an index does.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use crate::archive::ArchiveError;
use crate::archive::BaseBytes;
use crate::archive::BlobSink;
use crate::archive::EntryName;
use crate::archive::SimilarChunks;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::Codec;
use crate::chunk::count_newlines;
use crate::ident::BlobId;
use crate::ident::ChunkId;
use crate::ident::TreeId;
use crate::locks::lock;
use crate::locks::threads;
use crate::manifest::ChunkEntry;
use crate::manifest::Manifest;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::Record;
use crate::progress::Progress;
use crate::registry::delta::base_bytes::base_bytes;
use crate::registry::delta::similarity;
use crate::registry::delta::writer::keep_delta;
use crate::registry::error::Error;
use crate::registry::store_pipeline::chunker::Batch;
use crate::registry::store_pipeline::pipeline::ChunkStorer;
use crate::store::disk::BlobReader;
use crate::store::disk::WriteSession;
use crate::wire::limits::RECORD_BASES_MAX;
use crate::wire::limits::RECORD_STORED_BYTES_MAX;

/// Bytes in a worker's batch.
const BATCH_BYTES: usize = 4 << 20;

/// Received chunks with the ids that they must have.
struct IncomingBatch {
    batch: Batch,
    expected: Vec<ChunkEntry>,
}

/// Receives the blobs of an archive.
pub(crate) struct ImportPipeline<'a> {
    session: &'a WriteSession,
    reader: &'a BlobReader,
    /// Possible bases of deltas.
    bases: &'a [Manifest],
    /// Ids of the chunks of the base bytes that were requested last.
    last_base: Vec<BlobId>,
    progress: &'a dyn Progress,
    outbox: mpsc::SyncSender<IncomingBatch>,
    has_failed: &'a AtomicBool,
    data: Vec<u8>,
    ends: Vec<usize>,
    expected: Vec<ChunkEntry>,
}

/// Runs `read` with an intake. Returns after everything is appended to the session.
pub(crate) fn run_import_pipeline<T>(
    session: &WriteSession,
    similarity: &similarity::SimilarityIndex,
    (reader, bases): (&BlobReader, &[Manifest]),
    progress: &dyn Progress,
    read: impl FnOnce(&mut ImportPipeline<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let workers = threads();
    let (outbox, inbox) = mpsc::sync_channel::<IncomingBatch>(1);
    let inbox = Mutex::new(inbox);
    let has_failed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                let (inbox, has_failed) = (&inbox, &has_failed);
                // A delta encoder stays on its thread.
                let storer = move || ChunkStorer::with_parent(session, None, similarity);
                scope.spawn(move || work(storer(), inbox, has_failed))
            })
            .collect();
        let mut pipeline = ImportPipeline {
            session,
            reader,
            bases,
            last_base: Vec::new(),
            progress,
            outbox,
            has_failed: &has_failed,
            data: Vec::new(),
            ends: Vec::new(),
            expected: Vec::new(),
        };
        let value = read(&mut pipeline);
        if value.is_ok() {
            pipeline.send_batch();
        }
        drop(pipeline);
        let panicked = |_| Error::WorkerPanicked("worker");
        let mut worked = Ok(());
        for handle in handles {
            worked = worked.and(handle.join().map_err(panicked)?);
        }
        // A worker's error is the cause of the reader's.
        worked.and(value)
    })
}

fn work(
    mut storer: ChunkStorer<'_>,
    inbox: &Mutex<mpsc::Receiver<IncomingBatch>>,
    has_failed: &AtomicBool,
) -> Result<(), Error> {
    let mut failed = Ok(());
    loop {
        let next = lock(inbox).recv();
        let Ok(incoming) = next else {
            return failed;
        };
        if failed.is_ok() && !has_failed.load(Ordering::Relaxed) {
            failed = store(&mut storer, &incoming);
            if failed.is_err() {
                has_failed.store(true, Ordering::Relaxed);
            }
        }
    }
}

fn store(storer: &mut ChunkStorer<'_>, incoming: &IncomingBatch) -> Result<(), Error> {
    let found = storer.batch(&incoming.batch)?.entries;
    let mut pairs = found.iter().zip(&incoming.expected);
    match pairs.find(|(found, expected)| found != expected) {
        Some((_, expected)) => {
            let path = EntryName::chunk(&expected.id).path();
            Err(ArchiveError::Corrupt(path).into())
        }
        None => Ok(()),
    }
}

impl ImportPipeline<'_> {
    /// Passes the blobs collected so far to a worker.
    pub(crate) fn send_batch(&mut self) {
        if self.ends.is_empty() {
            return;
        }
        let batch = Batch {
            number: 0,
            data: std::mem::take(&mut self.data),
            ends: std::mem::take(&mut self.ends),
            known: Vec::new(),
        };
        let expected = std::mem::take(&mut self.expected);
        // Workers outlive this call. Their errors are checked when they are joined.
        let _ = self.outbox.send(IncomingBatch { batch, expected });
    }
}

impl BlobSink for ImportPipeline<'_> {
    type Error = Error;

    fn has(&mut self, keys: &[BlobKey]) -> Result<Vec<bool>, Error> {
        Ok(self.session.has(keys)?)
    }

    fn node(&mut self, id: TreeId) -> Result<Vec<u8>, Error> {
        let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
        Ok(self.session.get(&key, self.reader)?)
    }

    fn take_node(&mut self, _: TreeId, bytes: &[u8]) -> Result<(), Error> {
        self.session.add(BlobKind::Node, bytes)?;
        Ok(())
    }

    fn take_chunk(&mut self, chunk: &ChunkEntry, bytes: Vec<u8>) -> Result<(), Error> {
        if self.progress.cancelled() {
            return Err(Error::Interrupted);
        }
        if self.has_failed.load(Ordering::Relaxed) {
            // The worker's own error replaces this one.
            return Err(ArchiveError::Truncated.into());
        }
        self.data.extend_from_slice(&bytes);
        self.ends.push(self.data.len());
        self.expected.push(*chunk);
        self.progress.advance(bytes.len() as u64);
        if self.data.len() >= BATCH_BYTES {
            self.send_batch();
        }
        Ok(())
    }
    fn base(&mut self, base: BaseBytes) -> Result<Vec<u8>, Error> {
        let refuse = || ArchiveError::Missing("what a delta is against".to_owned());
        let manifest = self.bases.get(base.base).ok_or_else(refuse)?;
        let found = base_bytes(self.reader, manifest, base)?;
        let (bytes, ids) = found.ok_or_else(refuse)?;
        self.last_base = ids;
        Ok(bytes)
    }

    fn take_similar(&mut self, came: SimilarChunks<'_>) -> Result<(), Error> {
        if self.progress.cancelled() {
            return Err(Error::Interrupted);
        }
        let mut parts = Vec::new();
        let mut rest = came.raw.as_slice();
        for chunk in came.chunks {
            let corrupt = || ArchiveError::Corrupt(EntryName::chunk(&chunk.id).path());
            let length = usize::try_from(chunk.bytes).unwrap_or(usize::MAX);
            let (part, after) = rest.split_at_checked(length).ok_or_else(corrupt)?;
            rest = after;
            if ChunkId::of(part) != chunk.id || count_newlines(part) != chunk.newlines {
                return Err(corrupt().into());
            }
            parts.push(part);
        }
        let bases = std::mem::take(&mut self.last_base);
        if bases.len() > RECORD_BASES_MAX || came.frame.len() > RECORD_STORED_BYTES_MAX {
            let pairs = came.chunks.iter().zip(parts);
            return pairs
                .into_iter()
                .try_for_each(|(chunk, part)| self.take_chunk(chunk, part.to_vec()));
        }
        self.progress.advance(came.raw.len() as u64);
        let item = |chunk: &&ChunkEntry| Item {
            id: BlobId::new(*chunk.id.as_bytes()),
            raw_bytes: chunk.bytes,
        };
        let record = Record {
            kind: BlobKind::Chunk,
            codec: Codec::Delta,
            flags: Flags::default(),
            sequence: 0,
            items: came.chunks.iter().map(item).collect(),
            bases,
            payload: came.frame,
        };
        Ok(keep_delta(self.session, self.reader, record, &came.raw)?)
    }
}
