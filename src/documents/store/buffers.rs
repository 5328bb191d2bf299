//! Memory for lines, which is used again: fresh pages of large allocations cost more than the bytes that fill them.

use std::sync::Mutex;

use crate::locks::lock;

/// Bytes that are kept while many documents are stored.
const BUSY_BYTES_MAX: usize = 64 << 20;
/// Number of buffers that are kept.
const BUFFERS_MAX: usize = 64;
/// Bytes that are kept afterwards.
const IDLE_BYTES_MAX: usize = 16 << 20;

/// Empty buffers.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// Takes the buffer that fits best, or makes one.
    pub(super) fn take(&self, bytes: usize) -> Vec<u8> {
        let mut kept = lock(&self.0);
        let fitting = kept
            .iter()
            .enumerate()
            .filter(|(_, b)| b.capacity() >= bytes);
        let best = fitting.min_by_key(|(_, b)| b.capacity()).map(|(at, _)| at);
        match best {
            Some(at) => kept.swap_remove(at),
            None => Vec::with_capacity(bytes),
        }
    }

    /// Gives a buffer back.
    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() == 0 {
            return;
        }
        buffer.clear();
        let mut kept = lock(&self.0);
        kept.push(buffer);
        shorten(&mut kept, BUSY_BYTES_MAX);
    }

    /// Frees what is too much for a time without work.
    pub(super) fn rest(&self) {
        shorten(&mut lock(&self.0), IDLE_BYTES_MAX);
    }
}

/// Frees the oldest buffers beyond a number of bytes, or beyond [`BUFFERS_MAX`].
fn shorten(kept: &mut Vec<Vec<u8>>, bytes_max: usize) {
    let mut bytes = 0;
    let newest = kept.iter().rev().take(BUFFERS_MAX).take_while(|buffer| {
        bytes += buffer.capacity();
        bytes <= bytes_max
    });
    let excess = kept.len() - newest.count();
    kept.drain(..excess);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_batches_keep_few_buffers() {
        let buffers = Buffers::default();
        for bytes in 0..10_000 {
            // A batch begins without memory and takes some.
            let taken = buffers.take(bytes);
            buffers.give(Vec::new());
            buffers.give(taken);
        }
        let kept = lock(&buffers.0).len();
        assert!((1..=64).contains(&kept), "{kept}");
    }
}
