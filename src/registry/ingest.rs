//! The pipeline that stores bytes: one thread reads, cuts and hashes files; workers hash chunks,
//! claim the new ones, compress and append them; one thread puts the tree together in order.
//! Queues are bounded, so memory does not depend on how much there is.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::Compressor;
use crate::chunk::count_newlines;
use crate::chunk::params::SEGMENT_BYTES;
use crate::ident::ChunkId;
use crate::ident::TreeId;
use crate::manifest::ChunkEntry;
use crate::manifest::Totals;
use crate::manifest::TreeBuilder;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::Record;
use crate::registry::error::Error;
use crate::registry::feed::Batch;
use crate::registry::feed::Feeder;
use crate::registry::feed::Pool;
use crate::store::disk::Session;
use crate::store::disk::StoreError;

type Numbered = (u64, Vec<ChunkEntry>);

/// Stores what `read` feeds, as chunks under one tree.
pub(crate) fn ingest<T>(
    session: &Session,
    read: impl FnOnce(&mut Feeder<'_>) -> Result<T, Error>,
) -> Result<(T, TreeId, Totals), Error> {
    let workers = std::thread::available_parallelism().map_or(2, |n| n.get());
    let (batches, inbox) = mpsc::sync_channel::<Batch>(2);
    let (outbox, done) = mpsc::sync_channel::<Numbered>(workers * 2);
    let inbox = Mutex::new(inbox);
    let pool = Pool::default();
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                let outbox = outbox.clone();
                let (inbox, pool) = (&inbox, &pool);
                scope.spawn(move || work(session, inbox, pool, &outbox))
            })
            .collect();
        drop(outbox);
        let tree = scope.spawn(move || build_tree(session, done));
        let mut feeder = Feeder::new(&pool, batches);
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
    pool: &Pool,
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
        pool.give_back(batch.data);
    }
    failed.map_or(Ok(()), Err)
}

pub(crate) fn store_batch(
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
    let mut at = 0;
    for ((entry, key), fresh) in entries.iter().zip(&keys).zip(fresh) {
        // Chunks lie one after the other in the batch.
        let end = at + entry.bytes as usize;
        if fresh {
            segment.add(key, at..end);
            if segment.raw_bytes >= SEGMENT_BYTES {
                segment.store(session, compressor, &batch.data)?;
            }
        }
        at = end;
    }
    segment.store(session, compressor, &batch.data)?;
    Ok(entries)
}

/// Neighbouring new chunks that are compressed together.
#[derive(Default)]
struct Segment {
    items: Vec<Item>,
    /// Where they are in the batch; those that touch are one.
    parts: Vec<Range<usize>>,
    raw_bytes: usize,
}

impl Segment {
    fn add(&mut self, key: &BlobKey, part: Range<usize>) {
        self.raw_bytes += part.len();
        self.items.push(Item {
            id: key.id,
            // At most CHUNK_BYTES_MAX.
            raw_bytes: part.len() as u32,
        });
        match self.parts.last_mut().filter(|last| last.end == part.start) {
            Some(last) => last.end = part.end,
            None => self.parts.push(part),
        }
    }

    fn store(
        &mut self,
        session: &Session,
        compressor: &mut Compressor,
        data: &[u8],
    ) -> Result<(), StoreError> {
        let Self { items, parts, .. } = std::mem::take(self);
        let bytes = |part: &Range<usize>| data.get(part.clone()).unwrap_or_default();
        let (codec, payload) = match parts.as_slice() {
            [] => return Ok(()),
            [only] => compressor.compress(bytes(only)),
            several => {
                let joined: Vec<&[u8]> = several.iter().map(bytes).collect();
                compressor.compress(&joined.concat())
            }
        };
        let kind = BlobKind::Chunk;
        session.append(&Record {
            kind,
            codec,
            flags: Flags::default(),
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
