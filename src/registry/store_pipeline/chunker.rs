//! Chunker, the front of the pipeline: fills reused buffers with bytes, cuts them into chunks, and
//! sends them in batches.

use std::io::Read;
use std::sync::Mutex;
use std::sync::mpsc;

use crate::chunk::next_cut;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::locks::lock;
use crate::manifest::ChunkEntry;

/// Size in bytes of a batch.
const BATCH_BYTES: usize = 4 << 20;
/// Maximum number of bytes of one read.
const READ_BYTES: usize = 1 << 20;
/// Length of a buffer: a batch, an uncut rest, and one read.
const BUFFER_BYTES: usize = BATCH_BYTES + CHUNK_BYTES_MAX + READ_BYTES;

/// Whole chunks, adjacent from the start of `data`.
pub(crate) struct Batch {
    /// Sequence number of the batch in its ingest, from 0.
    pub(crate) number: u64,
    /// A buffer of the pool. Bytes after the last chunk are undefined.
    pub(crate) data: Vec<u8>,
    /// End offset of each chunk.
    pub(crate) ends: Vec<usize>,
    /// Chunks that the store has, in place of data.
    pub(crate) known: Vec<ChunkEntry>,
}

/// Pool of unused buffers.
#[derive(Default)]
pub(crate) struct BufferPool(Mutex<Vec<Vec<u8>>>);

impl BufferPool {
    fn take(&self) -> Vec<u8> {
        let used = lock(&self.0).pop();
        used.unwrap_or_else(|| vec![0; BUFFER_BYTES])
    }

    pub(crate) fn give_back(&self, buffer: Vec<u8>) {
        // Batches of known chunks have no buffer.
        if buffer.len() == BUFFER_BYTES {
            lock(&self.0).push(buffer);
        }
    }
}

/// Cuts bytes into chunks, region by region.
pub(crate) struct Chunker<'a> {
    pool: &'a BufferPool,
    buffer: Vec<u8>,
    filled: usize,
    /// Ends of chunks that were cut elsewhere. Then nothing else is in the buffer.
    ends: Vec<usize>,
    batches: mpsc::SyncSender<Batch>,
    number: u64,
}

impl<'a> Chunker<'a> {
    pub(crate) fn new(pool: &'a BufferPool, batches: mpsc::SyncSender<Batch>) -> Self {
        Self {
            pool,
            buffer: pool.take(),
            filled: 0,
            ends: Vec::new(),
            batches,
            number: 0,
        }
    }

    /// Reads `source` to its end. `each` receives every piece.
    pub(crate) fn read_from(
        &mut self,
        mut source: impl Read,
        mut each: impl FnMut(&[u8]),
    ) -> std::io::Result<u64> {
        let mut total = 0;
        loop {
            let space = self.space();
            let n = loop {
                match source.read(space) {
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    other => break other?,
                }
            };
            if n == 0 {
                return Ok(total);
            }
            each(space.get(..n).unwrap_or_default());
            self.filled += n;
            total += n as u64;
        }
    }

    /// Appends bytes that were read elsewhere.
    pub(crate) fn append(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.space();
            let (now, later) = bytes.split_at(bytes.len().min(space.len()));
            if let Some(to) = space.get_mut(..now.len()) {
                to.copy_from_slice(now);
            }
            self.filled += now.len();
            bytes = later;
        }
    }

    /// Appends a chunk that was cut elsewhere, at the start of a region or behind another such chunk.
    pub(crate) fn append_chunk(&mut self, chunk: &[u8]) {
        if self.filled + chunk.len() > BATCH_BYTES {
            self.send_cut();
        }
        if let Some(to) = self.buffer.get_mut(self.filled..self.filled + chunk.len()) {
            to.copy_from_slice(chunk);
        }
        self.filled += chunk.len();
        self.ends.push(self.filled);
    }

    /// Appends chunks that the store has, at the start of a region or behind a whole chunk.
    pub(crate) fn append_known(&mut self, known: Vec<ChunkEntry>) {
        self.send_cut();
        if !known.is_empty() {
            let (data, ends) = (Vec::new(), Vec::new());
            self.send(data, ends, known);
        }
    }

    /// Ends a region. The next byte begins a new chunk.
    pub(crate) fn end_region(&mut self) {
        self.send_cut();
        self.send_batch(true);
    }

    /// Sends the chunks that were cut elsewhere.
    fn send_cut(&mut self) {
        if self.ends.is_empty() {
            return;
        }
        self.filled = 0;
        let ends = std::mem::take(&mut self.ends);
        let data = std::mem::replace(&mut self.buffer, self.pool.take());
        self.send(data, ends, Vec::new());
    }

    fn send(&mut self, data: Vec<u8>, ends: Vec<usize>, known: Vec<ChunkEntry>) {
        // A failed worker is gone, and the caller gets its error.
        let _ = self.batches.send(Batch {
            number: self.number,
            data,
            ends,
            known,
        });
        self.number += 1;
    }

    /// Returns the free space for one read, which is never empty.
    fn space(&mut self) -> &mut [u8] {
        if self.filled >= BATCH_BYTES + CHUNK_BYTES_MAX {
            self.send_batch(false);
        }
        let end = (self.filled + READ_BYTES).min(self.buffer.len());
        self.buffer.get_mut(self.filled..end).unwrap_or_default()
    }

    fn send_batch(&mut self, region_ends: bool) {
        let uncut = self.buffer.get(..self.filled).unwrap_or_default();
        let mut ends = Vec::new();
        let mut at = 0;
        while let Some(n) = next_cut(uncut.get(at..).unwrap_or_default(), region_ends) {
            at += n.get();
            ends.push(at);
        }
        if ends.is_empty() {
            return;
        }
        let mut next = self.pool.take();
        let rest = uncut.get(at..).unwrap_or_default();
        if let Some(to) = next.get_mut(..rest.len()) {
            to.copy_from_slice(rest);
        }
        self.filled = rest.len();
        let data = std::mem::replace(&mut self.buffer, next);
        self.send(data, ends, Vec::new());
    }
}
