//! Chunker, the front of the pipeline: fills reused buffers with bytes, cuts them into chunks, and
//! sends them in batches.

use std::io::Read;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
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

/// Maximum number of chunks that the store has in a batch: 2 MiB at the average size. The records around
/// the batches in the pipeline have to fit in a reader's cache of bases.
const KNOWN_CHUNKS: usize = 128;

/// Adjacent whole chunks: with data, which is adjacent from the start of `data`, or held by the store.
pub(crate) struct Batch {
    /// Sequence number of the batch in its ingest, from 0.
    pub(crate) number: u64,
    /// A buffer of the pool. Bytes after the last chunk are undefined.
    pub(crate) data: Vec<u8>,
    /// End offset of each chunk with data.
    pub(crate) ends: Vec<usize>,
    /// Chunks that the store has, each with the number of chunks with data in front of it.
    pub(crate) known: Vec<(usize, ChunkEntry)>,
    /// True if there is to be a checkpoint behind the last chunk.
    pub(crate) is_marked: bool,
}

/// A chunk of a batch.
pub(crate) enum ChunkOfBatch {
    /// Its range in the data.
    Data(Range<usize>),
    Known(ChunkEntry),
}

impl Batch {
    /// Returns all chunks, in order.
    pub(crate) fn chunks(&self) -> Vec<ChunkOfBatch> {
        let mut known = self.known.iter().peekable();
        let mut chunks = Vec::with_capacity(self.ends.len() + self.known.len());
        let mut start = 0;
        for (n, end) in self.ends.iter().enumerate() {
            while let Some((_, entry)) = known.next_if(|(behind, _)| *behind <= n) {
                chunks.push(ChunkOfBatch::Known(*entry));
            }
            chunks.push(ChunkOfBatch::Data(start..*end));
            start = *end;
        }
        chunks.extend(known.map(|(_, entry)| ChunkOfBatch::Known(*entry)));
        chunks
    }
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
    /// Chunks that the store has, before, between and behind those.
    known: Vec<(usize, ChunkEntry)>,
    batches: mpsc::SyncSender<Batch>,
    number: u64,
    /// True once the data can no longer be stored.
    is_stopped: &'a AtomicBool,
}

impl<'a> Chunker<'a> {
    pub(crate) fn new(
        pool: &'a BufferPool,
        batches: mpsc::SyncSender<Batch>,
        is_stopped: &'a AtomicBool,
    ) -> Self {
        Self {
            pool,
            buffer: pool.take(),
            filled: 0,
            ends: Vec::new(),
            known: Vec::new(),
            batches,
            number: 0,
            is_stopped,
        }
    }

    /// Returns true once the data can no longer be stored, so that reading more is of no use.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Sends the chunks that are complete, and asks for a checkpoint behind them. Without such chunks
    /// there is none.
    pub(crate) fn mark(&mut self) {
        self.send_cut();
        self.send_batch(false, true);
    }

    /// Reads `source` to its end. `each` receives every piece.
    pub(crate) fn read_from(
        &mut self,
        mut source: impl Read,
        mut each: impl FnMut(&[u8]),
    ) -> std::io::Result<u64> {
        let mut total = 0;
        loop {
            if self.is_stopped() {
                // The pipeline returns its own error.
                return Err(std::io::Error::other("nothing more can be stored"));
            }
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
    pub(crate) fn append_known(&mut self, known: &[ChunkEntry]) {
        for chunk in known {
            self.known.push((self.ends.len(), *chunk));
            if self.known.len() >= KNOWN_CHUNKS {
                self.send_cut();
            }
        }
    }

    /// Ends a region. The next byte begins a new chunk.
    pub(crate) fn end_region(&mut self) {
        self.send_cut();
        self.send_batch(true, false);
    }

    /// Sends the chunks that were cut elsewhere, and those that the store has.
    fn send_cut(&mut self) {
        let data = match (self.ends.is_empty(), self.known.is_empty()) {
            (true, true) => return,
            (true, false) => Vec::new(),
            (false, _) => {
                self.filled = 0;
                std::mem::replace(&mut self.buffer, self.pool.take())
            }
        };
        let ends = std::mem::take(&mut self.ends);
        self.send(data, ends, false);
    }

    fn send(&mut self, data: Vec<u8>, ends: Vec<usize>, is_marked: bool) {
        // A failed worker is gone, and the caller gets its error.
        let _ = self.batches.send(Batch {
            number: self.number,
            data,
            ends,
            known: std::mem::take(&mut self.known),
            is_marked,
        });
        self.number += 1;
    }

    /// Returns the free space for one read, which is never empty.
    fn space(&mut self) -> &mut [u8] {
        self.send_cut();
        if self.filled >= BATCH_BYTES + CHUNK_BYTES_MAX {
            self.send_batch(false, false);
        }
        let end = (self.filled + READ_BYTES).min(self.buffer.len());
        self.buffer.get_mut(self.filled..end).unwrap_or_default()
    }

    fn send_batch(&mut self, region_ends: bool, is_marked: bool) {
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
        self.send(data, ends, is_marked);
    }
}

#[cfg(test)]
mod tests {
    use super::Batch;
    use super::ChunkOfBatch;
    use crate::ident::ChunkId;
    use crate::manifest::ChunkEntry;

    #[test]
    fn chunks_of_a_batch_come_in_the_order_of_the_data() {
        let known = |bytes| ChunkEntry {
            id: ChunkId::of(&[]),
            bytes,
            newlines: 0,
        };
        let batch = Batch {
            number: 0,
            data: vec![0; 30],
            ends: vec![10, 30],
            known: vec![(0, known(1)), (0, known(2)), (1, known(3)), (2, known(4))],
            is_marked: false,
        };
        let chunks = batch.chunks().into_iter().map(|chunk| match chunk {
            ChunkOfBatch::Data(range) => (range.start, range.end),
            ChunkOfBatch::Known(entry) => (0, entry.bytes as usize),
        });
        let wanted = [(0, 1), (0, 2), (0, 10), (0, 3), (10, 30), (0, 4)];
        assert_eq!(chunks.collect::<Vec<_>>(), wanted);
    }
}
