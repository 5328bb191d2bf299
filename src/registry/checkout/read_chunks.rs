//! Reads a dataset's bytes on all cores, verifies each chunk against its hash, and decompresses each
//! record once.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::ident::BlobId;
use crate::locks::lock;
use crate::locks::threads;
use crate::manifest::ChunkEntry;
use crate::registry::error::Error;
use crate::store::disk::BlobReader;
use crate::store::disk::Location;
use crate::store::disk::StoreError;
use crate::store::disk::Unpacked;
use crate::store::disk::WriteSession;

/// Chunks that are located and read at a time: 64 MiB of data at the average size.
pub(crate) const WINDOW_CHUNKS: usize = 4096;

/// A chunk and the offset of its first byte in the dataset.
pub(crate) type PlacedChunk = (u64, ChunkEntry);

/// Receives the verified bytes of adjacent chunks, and their offset in the dataset.
pub(crate) type Sink<'a> = dyn Fn(u64, &[u8]) -> Result<(), Error> + Sync + 'a;

/// A chunk to read: its offset in the data, and its location in the store.
pub(crate) struct LocatedChunk {
    pub(crate) at: u64,
    pub(crate) key: BlobKey,
    pub(crate) location: Location,
}

/// Passes the verified bytes of all chunks to `sink`, in any order and from several threads. Every
/// record is decompressed once, even if its chunks are scattered over the window.
///
/// Returns the first failed chunk, in the order of the data, with its offset.
pub(crate) fn each_chunk(
    reader: &BlobReader,
    window: &[PlacedChunk],
    sink: &Sink<'_>,
) -> Result<(), (u64, Error)> {
    let key_of = |e: &ChunkEntry| BlobKey::new(BlobKind::Chunk, *e.id.as_bytes());
    let keys: Vec<BlobKey> = window.iter().map(|(_, e)| key_of(e)).collect();
    let first = window.first().map_or(0, |(at, _)| *at);
    let found = reader.locate(&keys).map_err(|e| (first, e.into()))?;
    let mut order = Vec::new();
    let mut by_record: HashMap<(u32, u32), Vec<LocatedChunk>> = HashMap::new();
    for (((at, _), key), location) in window.iter().zip(&keys).zip(found) {
        let missing = || (*at, StoreError::Blob(BlobError::Missing(*key)).into());
        let location = location.ok_or_else(missing)?;
        let place = (location.pack, location.offset);
        let chunks = by_record.entry(place).or_insert_with(|| {
            order.push(place);
            Vec::new()
        });
        chunks.push(LocatedChunk {
            at: *at,
            key: *key,
            location,
        });
    }
    let jobs: Vec<_> = order
        .iter()
        .filter_map(|place| by_record.remove(place))
        .collect();
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<(u64, Error)>> = Mutex::new(None);
    let workers = threads().min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = one_record(reader, job, sink) {
                        let mut first = lock(&failed);
                        if first.as_ref().is_none_or(|(at, _)| failure.0 < *at) {
                            *first = Some(failure);
                        }
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Reads located chunks into their positions in `data` on this thread, and verifies each.
pub(crate) fn each_located(
    (session, reader): (&WriteSession, &BlobReader),
    mut chunks: Vec<LocatedChunk>,
    data: &mut [u8],
) -> Result<(), StoreError> {
    chunks.sort_unstable_by_key(|c| (c.location.pack, c.location.offset, c.at));
    let same = |a: &LocatedChunk, b: &LocatedChunk| {
        (a.location.pack, a.location.offset) == (b.location.pack, b.location.offset)
    };
    for of_record in chunks.chunk_by(same) {
        let Some(first) = of_record.first() else {
            continue;
        };
        let record = session.unpack(&first.key, &first.location, reader)?;
        for chunk in of_record {
            let corrupt = || StoreError::Blob(BlobError::Corrupt(chunk.key));
            let bytes = record
                .item(&chunk.key, chunk.location.item)
                .filter(|b| BlobId::of(b) == chunk.key.id)
                .ok_or_else(corrupt)?;
            let at = usize::try_from(chunk.at).unwrap_or(usize::MAX);
            let to = data.get_mut(at..at.saturating_add(bytes.len()));
            to.ok_or_else(corrupt)?.copy_from_slice(bytes);
        }
    }
    Ok(())
}

impl LocatedChunk {
    /// Returns the bytes of the chunk in its record, if they have its hash.
    ///
    /// # Errors
    /// `BlobError::Corrupt`, with the offset of the chunk.
    pub(crate) fn verified<'a>(&self, record: &'a Unpacked) -> Result<&'a [u8], (u64, Error)> {
        record
            .item(&self.key, self.location.item)
            .filter(|bytes| BlobId::of(bytes) == self.key.id)
            .ok_or_else(|| {
                let corrupt = StoreError::Blob(BlobError::Corrupt(self.key));
                (self.at, corrupt.into())
            })
    }
}

fn one_record(
    reader: &BlobReader,
    job: &[LocatedChunk],
    sink: &Sink<'_>,
) -> Result<(), (u64, Error)> {
    let Some(first) = job.first() else {
        return Ok(());
    };
    let record = reader
        .unpack(&first.key, &first.location)
        .map_err(|e| (first.at, e.into()))?;
    // Adjacent chunks of the record and of the data go to the sink together.
    let mut run: Option<ChunkRun> = None;
    for chunk in job {
        let LocatedChunk { at, location, .. } = chunk;
        let bytes = chunk.verified(&record)?;
        let end = at.saturating_add(bytes.len() as u64);
        run = Some(match run.take() {
            Some(r) if r.end == *at && r.last.checked_add(1) == Some(location.item) => ChunkRun {
                end,
                last: location.item,
                ..r
            },
            ended => {
                hand_over(&record, ended, sink)?;
                ChunkRun {
                    at: *at,
                    end,
                    first: location.item,
                    last: location.item,
                }
            }
        });
    }
    hand_over(&record, run, sink)
}

/// Verified chunks that are adjacent in their record and in the data.
struct ChunkRun {
    at: u64,
    end: u64,
    first: u16,
    last: u16,
}

fn hand_over(
    record: &Unpacked,
    run: Option<ChunkRun>,
    sink: &Sink<'_>,
) -> Result<(), (u64, Error)> {
    match run.and_then(|r| Some((r.at, record.items(r.first, r.last)?))) {
        Some((at, bytes)) => sink(at, bytes).map_err(|e| (at, e)),
        None => Ok(()),
    }
}
