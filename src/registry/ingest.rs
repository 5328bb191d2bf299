//! The pipeline that stores bytes: one thread reads, cuts and hashes files; workers hash chunks,
//! claim the new ones, compress and append them; one thread puts the tree together in order.
//! Queues are bounded, so memory does not depend on how much there is.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::Compressor;
use crate::chunk::count_newlines;
use crate::chunk::next_cut;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::chunk::params::SEGMENT_BYTES;
use crate::ident::ChunkId;
use crate::ident::TreeId;
use crate::manifest::ChunkEntry;
use crate::manifest::Totals;
use crate::manifest::TreeBuilder;
use crate::pack::Item;
use crate::pack::Record;
use crate::registry::error::Error;
use crate::store::disk::Session;
use crate::store::disk::StoreError;

/// Bytes that are cut and handed on at a time.
const BATCH_BYTES: usize = 4 << 20;
/// Bytes asked of a file at a time.
const READ_BYTES: usize = 1 << 20;

/// Whole chunks, one after the other.
struct Batch {
    number: u64,
    data: Vec<u8>,
    ends: Vec<usize>,
}

type Numbered = (u64, Vec<ChunkEntry>);

/// Takes bytes from the thread that reads, region by region.
pub(crate) struct Feeder {
    buffer: Vec<u8>,
    batches: mpsc::SyncSender<Batch>,
    number: u64,
}

impl Feeder {
    /// Reads from `source` until it ends; `each` sees every piece.
    pub(crate) fn read_from(
        &mut self,
        mut source: impl std::io::Read,
        mut each: impl FnMut(&[u8]),
    ) -> std::io::Result<u64> {
        let mut total = 0;
        loop {
            let start = self.buffer.len();
            self.buffer.resize(start + READ_BYTES, 0);
            let tail = self.buffer.get_mut(start..).unwrap_or_default();
            let n = loop {
                match source.read(tail) {
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    other => break other?,
                }
            };
            self.buffer.truncate(start + n);
            if n == 0 {
                return Ok(total);
            }
            each(self.buffer.get(start..).unwrap_or_default());
            total += n as u64;
            if self.buffer.len() >= BATCH_BYTES + CHUNK_BYTES_MAX {
                self.hand_on(false);
            }
        }
    }

    /// Ends a region: the next byte begins a new chunk.
    pub(crate) fn end_region(&mut self) {
        self.hand_on(true);
    }

    fn hand_on(&mut self, region_ends: bool) {
        let mut ends = Vec::new();
        let mut at = 0;
        while let Some(n) = next_cut(self.buffer.get(at..).unwrap_or_default(), region_ends) {
            at += n.get();
            ends.push(at);
        }
        let mut rest = Vec::with_capacity(BATCH_BYTES + CHUNK_BYTES_MAX + READ_BYTES);
        rest.extend_from_slice(self.buffer.get(at..).unwrap_or_default());
        let mut data = std::mem::replace(&mut self.buffer, rest);
        data.truncate(at);
        if !ends.is_empty() {
            // Workers that failed are gone; their error is what the caller will see.
            let _ = self.batches.send(Batch {
                number: self.number,
                data,
                ends,
            });
            self.number += 1;
        }
    }
}

/// Stores what `read` feeds, as chunks under one tree.
pub(crate) fn ingest<T>(
    session: &Session,
    read: impl FnOnce(&mut Feeder) -> Result<T, Error>,
) -> Result<(T, TreeId, Totals), Error> {
    let workers = std::thread::available_parallelism().map_or(2, |n| n.get());
    let (batches, inbox) = mpsc::sync_channel::<Batch>(2);
    let (outbox, done) = mpsc::sync_channel::<Numbered>(workers * 2);
    let inbox = Mutex::new(inbox);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                let outbox = outbox.clone();
                let inbox = &inbox;
                scope.spawn(move || work(session, inbox, &outbox))
            })
            .collect();
        drop(outbox);
        let tree = scope.spawn(move || build_tree(session, done));
        let mut feeder = Feeder {
            buffer: Vec::new(),
            batches,
            number: 0,
        };
        let value = read(&mut feeder);
        if value.is_ok() {
            feeder.end_region();
        }
        drop(feeder);
        let panicked = || Error::file("run", "a worker", std::io::Error::other("it panicked"));
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
    session: &Session,
    inbox: &Mutex<mpsc::Receiver<Batch>>,
    outbox: &mpsc::SyncSender<Numbered>,
) -> Result<(), StoreError> {
    let mut compressor = Compressor::new();
    let mut failed = None;
    loop {
        let next = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { break };
        // After an error, batches are only taken off the queue so that the reader can end.
        if failed.is_none() {
            match store_batch(session, &mut compressor, &batch) {
                Ok(entries) => {
                    let _ = outbox.send((batch.number, entries));
                }
                Err(error) => failed = Some(error),
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

fn store_batch(
    session: &Session,
    compressor: &mut Compressor,
    batch: &Batch,
) -> Result<Vec<ChunkEntry>, StoreError> {
    let mut start = 0;
    let chunks: Vec<&[u8]> = batch
        .ends
        .iter()
        .map(|end| {
            let chunk = batch.data.get(start..*end).unwrap_or_default();
            start = *end;
            chunk
        })
        .collect();
    let entries: Vec<ChunkEntry> = chunks
        .iter()
        .map(|c| ChunkEntry {
            id: ChunkId::of(c),
            // At most CHUNK_BYTES_MAX.
            bytes: c.len() as u32,
            newlines: count_newlines(c),
        })
        .collect();
    let keys: Vec<BlobKey> = entries
        .iter()
        .map(|e| BlobKey::new(BlobKind::Chunk, *e.id.as_bytes()))
        .collect();
    let fresh = session.claim(&keys)?;
    let mut segment = Segment::default();
    for ((chunk, key), fresh) in chunks.iter().zip(&keys).zip(fresh) {
        if fresh {
            segment.items.push(Item {
                id: key.id,
                raw_bytes: chunk.len() as u32,
            });
            segment.raw.extend_from_slice(chunk);
            if segment.raw.len() >= SEGMENT_BYTES {
                segment.store(session, compressor)?;
            }
        }
    }
    segment.store(session, compressor)?;
    Ok(entries)
}

/// Neighbouring new chunks that are compressed together.
#[derive(Default)]
struct Segment {
    items: Vec<Item>,
    raw: Vec<u8>,
}

impl Segment {
    fn store(&mut self, session: &Session, compressor: &mut Compressor) -> Result<(), StoreError> {
        if self.items.is_empty() {
            return Ok(());
        }
        let (codec, payload) = compressor.compress(&self.raw);
        self.raw.clear();
        let items = std::mem::take(&mut self.items);
        let kind = BlobKind::Chunk;
        session.append(&Record {
            kind,
            codec,
            private: false,
            sequence: 0,
            items,
            payload,
        })
    }
}

fn build_tree(
    session: &Session,
    done: mpsc::Receiver<Numbered>,
) -> Result<(TreeId, Totals), Error> {
    let mut early = BTreeMap::new();
    let mut next = 0_u64;
    let mut builder = TreeBuilder::new();
    let mut failed: Option<StoreError> = None;
    let mut emit = |_: TreeId, bytes: Vec<u8>| {
        if failed.is_none()
            && let Err(e) = session.add(BlobKind::Node, &bytes)
        {
            failed = Some(e);
        }
    };
    for (number, entries) in done {
        early.insert(number, entries);
        while let Some(entries) = early.remove(&next) {
            entries.into_iter().for_each(|e| builder.push(e, &mut emit));
            next += 1;
        }
    }
    let (root, totals) = builder.finish(&mut emit);
    match failed {
        Some(error) => Err(error.into()),
        None => Ok((root, totals)),
    }
}
