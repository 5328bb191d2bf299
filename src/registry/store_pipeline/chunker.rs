//! The front of the pipeline: bytes go into buffers that are used again and again, are cut into
//! chunks, and handed on batch by batch.

use std::io::Read;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;

use crate::chunk::next_cut;
use crate::chunk::params::CHUNK_BYTES_MAX;

/// Bytes that are cut and handed on at a time.
const BATCH_BYTES: usize = 4 << 20;
/// Bytes asked of a file at a time, at most.
const READ_BYTES: usize = 1 << 20;
/// Length of a buffer: a batch, what may stay behind uncut, and one read.
const BUFFER_BYTES: usize = BATCH_BYTES + CHUNK_BYTES_MAX + READ_BYTES;

/// Whole chunks, one after the other from the start of `data`.
pub(crate) struct Batch {
    /// Counts the batches of an ingest from 0.
    pub(crate) number: u64,
    /// A buffer of the pool, its end of no meaning.
    pub(crate) data: Vec<u8>,
    /// Where each chunk ends.
    pub(crate) ends: Vec<usize>,
}

/// Buffers that are not in use.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Vec<Vec<u8>>>);

impl Pool {
    fn take(&self) -> Vec<u8> {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        used.unwrap_or_else(|| vec![0; BUFFER_BYTES])
    }

    pub(crate) fn give_back(&self, buffer: Vec<u8>) {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(buffer);
    }
}

/// Takes bytes from the thread that reads, region by region.
pub(crate) struct Chunker<'a> {
    pool: &'a Pool,
    buffer: Vec<u8>,
    filled: usize,
    batches: mpsc::SyncSender<Batch>,
    number: u64,
}

impl<'a> Chunker<'a> {
    pub(crate) fn new(pool: &'a Pool, batches: mpsc::SyncSender<Batch>) -> Self {
        Self {
            pool,
            buffer: pool.take(),
            filled: 0,
            batches,
            number: 0,
        }
    }

    /// Reads from `source` until it ends; `each` sees every piece.
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

    /// Takes bytes that were read elsewhere.
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

    /// Ends a region: the next byte begins a new chunk.
    pub(crate) fn end_region(&mut self) {
        self.hand_on(true);
    }

    /// Room for one read, never empty.
    fn space(&mut self) -> &mut [u8] {
        if self.filled >= BATCH_BYTES + CHUNK_BYTES_MAX {
            self.hand_on(false);
        }
        let end = (self.filled + READ_BYTES).min(self.buffer.len());
        self.buffer.get_mut(self.filled..end).unwrap_or_default()
    }

    fn hand_on(&mut self, region_ends: bool) {
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
        // Workers that failed are gone; their error is what the caller will see.
        let _ = self.batches.send(Batch {
            number: self.number,
            data,
            ends,
        });
        self.number += 1;
    }
}
