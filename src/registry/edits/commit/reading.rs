//! The bytes of an old file in order: threads decompress and verify its chunks ahead of the caller.
//!
//! The bytes stay in their decompressed records, which the cache of bases of the reader has too. So a
//! delta against a chunk near an edit finds its base decompressed.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::locks::lock;
use crate::locks::threads;
use crate::manifest::ChunkEntry;
use crate::manifest::TreeWalk;
use crate::registry::checkout::read_chunks::LocatedChunk;
use crate::registry::checkout::read_chunks::PlacedChunk;
use crate::registry::error::Error;
use crate::store::disk::BlobReader;
use crate::store::disk::StoreError;
use crate::store::disk::Unpacked;

/// Chunks that are located together: 2 MiB at the average size, or two records.
const WINDOW_CHUNKS: usize = 128;
/// Number of windows under way. Their records and those around the batches in the pipeline have to fit in
/// the reader's cache of bases.
const WINDOWS_AHEAD: usize = 2;

/// Verified bytes of the old version: of a decompressed record, or copied from one.
#[derive(Clone)]
pub(super) enum OldBytes {
    /// Items from the first to the last.
    Record(Arc<Unpacked>, u16, u16),
    Copied(Arc<Vec<u8>>),
}

impl OldBytes {
    pub(super) fn none() -> Self {
        Self::Copied(Arc::default())
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Record(record, first, last) => record.items(*first, *last).unwrap_or_default(),
            Self::Copied(bytes) => bytes,
        }
    }
}

/// Bytes of the old version, and the offset of the first in the dataset.
type PlacedBytes = (u64, OldBytes);

/// The first chunk that cannot be read, and the reason.
type ReadFailure = (u64, Error);

/// Passes the bytes of the chunks between two offsets to `each`, in order.
///
/// # Errors
/// The offset of the first chunk that cannot be read, or of the bytes that `each` refuses.
pub(super) fn each_run(
    reader: &BlobReader,
    walk: TreeWalk<'_>,
    end: u64,
    each: &mut dyn FnMut(u64, OldBytes) -> Result<(), Error>,
) -> Result<(), ReadFailure> {
    let (jobs, inbox) = mpsc::channel::<RecordJob>();
    let inbox = &Mutex::new(inbox);
    std::thread::scope(|scope| {
        let work = || {
            loop {
                let next = lock(inbox).recv();
                let Ok(job) = next else { return };
                // Nobody waits for it after an error.
                let _ = job.done.send(job.read(reader));
            }
        };
        let workers: Vec<_> = (0..threads()).map(|_| scope.spawn(work)).collect();
        let mut ahead = ReadAhead {
            reader,
            walk,
            end,
            rest: Vec::new(),
            jobs,
            windows: VecDeque::new(),
        };
        let mut read = || {
            while let Some(window) = ahead.next_window()? {
                for (at, bytes) in window.wait()? {
                    each(at, bytes).map_err(|e| (at, e))?;
                }
            }
            Ok(())
        };
        let read = read();
        drop(ahead);
        let joined = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
        match joined.fold(true, |whole, joined| whole & joined.is_ok()) {
            true => read,
            false => Err((0, Error::WorkerPanicked("worker"))),
        }
    })
}

/// The windows that are read ahead.
struct ReadAhead<'a> {
    reader: &'a BlobReader,
    walk: TreeWalk<'a>,
    end: u64,
    /// Chunks behind the last window, which share a record with each other.
    rest: Vec<LocatedChunk>,
    jobs: mpsc::Sender<RecordJob>,
    windows: VecDeque<Window>,
}

impl ReadAhead<'_> {
    /// Returns the next window, and begins to read those behind it.
    fn next_window(&mut self) -> Result<Option<Window>, ReadFailure> {
        while self.windows.len() < WINDOWS_AHEAD {
            let chunks = self.next_chunks()?;
            if chunks.is_empty() {
                break;
            }
            let window = self.begin(chunks);
            self.windows.push_back(window);
        }
        Ok(self.windows.pop_front())
    }

    /// Locates the chunks of the next window, which ends with a record: a record in two windows would be
    /// decompressed twice.
    fn next_chunks(&mut self) -> Result<Vec<LocatedChunk>, ReadFailure> {
        let mut placed: Vec<PlacedChunk> = Vec::new();
        while placed.len() < WINDOW_CHUNKS && self.walk.offset() < self.end {
            let at = self.walk.offset();
            match self.walk.next() {
                Some(chunk) => placed.push(chunk.map_err(|e| (at, e.into()))?),
                None => break,
            }
        }
        let key = |chunk: &ChunkEntry| BlobKey::new(BlobKind::Chunk, *chunk.id.as_bytes());
        let keys: Vec<BlobKey> = placed.iter().map(|(_, chunk)| key(chunk)).collect();
        let first = placed.first().map_or(0, |(at, _)| *at);
        let found = self.reader.locate(&keys).map_err(|e| (first, e.into()))?;
        let mut chunks = std::mem::take(&mut self.rest);
        for (((at, _), key), location) in placed.into_iter().zip(keys).zip(found) {
            let missing = || (at, StoreError::Blob(BlobError::Missing(key)).into());
            let location = location.ok_or_else(missing)?;
            chunks.push(LocatedChunk { at, key, location });
        }
        if self.walk.offset() < self.end {
            let last = chunks.last().map(record_of);
            let whole = chunks
                .iter()
                .rposition(|chunk| Some(record_of(chunk)) != last);
            // A record that fills the window is divided.
            self.rest = whole.map_or_else(Vec::new, |n| chunks.split_off(n + 1));
        }
        Ok(chunks)
    }

    /// Begins to read a window. Each of its records is decompressed once, even if its chunks are scattered
    /// over the window.
    fn begin(&self, chunks: Vec<LocatedChunk>) -> Window {
        let (done, results) = mpsc::channel();
        let mut jobs: Vec<RecordJob> = Vec::new();
        let mut by_record: HashMap<(u32, u32), usize> = HashMap::new();
        for chunk in chunks {
            let index = *by_record.entry(record_of(&chunk)).or_insert_with(|| {
                jobs.push(RecordJob {
                    chunks: Vec::new(),
                    done: done.clone(),
                });
                jobs.len() - 1
            });
            if let Some(job) = jobs.get_mut(index) {
                job.chunks.push(chunk);
            }
        }
        let records = jobs.len();
        for job in jobs {
            // A thread that is gone has panicked, which the window notices.
            let _ = self.jobs.send(job);
        }
        Window { results, records }
    }
}

fn record_of(chunk: &LocatedChunk) -> (u32, u32) {
    (chunk.location.pack, chunk.location.offset)
}

/// A window under way.
struct Window {
    results: mpsc::Receiver<Result<Vec<PlacedBytes>, ReadFailure>>,
    /// Number of results.
    records: usize,
}

impl Window {
    /// Waits for all bytes, and returns them in order.
    fn wait(self) -> Result<Vec<PlacedBytes>, ReadFailure> {
        let mut runs = Vec::new();
        let mut records = 0;
        let mut failed: Option<ReadFailure> = None;
        for result in self.results {
            records += 1;
            match result {
                Ok(read) => runs.extend(read),
                Err(failure) => {
                    if failed.as_ref().is_none_or(|(at, _)| failure.0 < *at) {
                        failed = Some(failure);
                    }
                }
            }
        }
        match failed {
            Some(failure) => Err(failure),
            None if records < self.records => Err((0, Error::WorkerPanicked("worker"))),
            None => {
                runs.sort_unstable_by_key(|(at, _)| *at);
                Ok(runs)
            }
        }
    }
}

/// Chunks of one record, in the order of the data.
struct RecordJob {
    chunks: Vec<LocatedChunk>,
    done: mpsc::Sender<Result<Vec<PlacedBytes>, ReadFailure>>,
}

impl RecordJob {
    fn read(&self, reader: &BlobReader) -> Result<Vec<PlacedBytes>, ReadFailure> {
        let Some(first) = self.chunks.first() else {
            return Ok(Vec::new());
        };
        let record = match first.location.is_delta {
            true => reader.unpack(&first.key, &first.location),
            // The cache of bases takes it.
            false => reader.plain(&first.key, &first.location),
        };
        let record = record.map_err(|e| (first.at, e.into()))?;
        let mut runs: Vec<(Range<u64>, Range<u16>)> = Vec::new();
        for chunk in &self.chunks {
            let LocatedChunk { at, location, .. } = chunk;
            let bytes = chunk.verified(&record)?;
            let end = at.saturating_add(bytes.len() as u64);
            let next = location.item.saturating_add(1);
            match runs.last_mut() {
                Some((data, items)) if data.end == *at && items.end == location.item => {
                    (data.end, items.end) = (end, next);
                }
                _ => runs.push((*at..end, location.item..next)),
            }
        }
        // A few chunks must not keep a whole record in memory.
        let used: u64 = runs.iter().map(|(data, _)| data.end - data.start).sum();
        let all = record.items(0, u16::MAX).map_or(0, <[u8]>::len);
        let is_sparse = used * 2 < all as u64;
        let placed = runs.into_iter().map(|(data, items)| {
            let bytes = OldBytes::Record(Arc::clone(&record), items.start, items.end - 1);
            let bytes = match is_sparse {
                true => OldBytes::Copied(Arc::new(bytes.as_slice().to_vec())),
                false => bytes,
            };
            (data.start, bytes)
        });
        Ok(placed.collect())
    }
}
