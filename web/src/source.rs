//! A source of bytes with a small cache: a page reads far slower in small pieces than in large ones.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use alimentar::read_at::ReadAt;

use crate::limits::BLOCK_BYTES;
use crate::limits::KEPT_BLOCKS;

/// A source whose last blocks are kept.
pub struct CachedSource {
    inner: Arc<dyn ReadAt>,
    size: u64,
    /// Blocks by number, the last used one last.
    kept: Mutex<Vec<(u64, Arc<Vec<u8>>)>>,
}

impl CachedSource {
    /// Makes a cache over a source.
    pub fn new(inner: Arc<dyn ReadAt>) -> Self {
        Self {
            size: inner.len(),
            inner,
            kept: Mutex::new(Vec::new()),
        }
    }

    fn block(&self, number: u64) -> io::Result<Arc<Vec<u8>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = kept.iter().position(|(n, _)| *n == number) {
            let hit = kept.remove(place);
            let block = Arc::clone(&hit.1);
            kept.push(hit);
            return Ok(block);
        }
        let at = number * BLOCK_BYTES as u64;
        let left = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut block = vec![0; left.min(BLOCK_BYTES)];
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.inner.read_at(rest, at + filled as u64)? {
                0 => break,
                n => filled += n,
            }
        }
        block.truncate(filled);
        let block = Arc::new(block);
        if kept.len() >= KEPT_BLOCKS {
            kept.remove(0);
        }
        kept.push((number, Arc::clone(&block)));
        Ok(block)
    }
}

impl ReadAt for CachedSource {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if buf.len() >= BLOCK_BYTES {
            return self.inner.read_at(buf, offset);
        }
        if offset >= self.size || buf.is_empty() {
            return Ok(0);
        }
        let block = self.block(offset / BLOCK_BYTES as u64)?;
        let inside = usize::try_from(offset % BLOCK_BYTES as u64).unwrap_or(usize::MAX);
        let rest = block.get(inside..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_source_reads_as_its_source_does() {
        let bytes: Vec<u8> = (0..3 * BLOCK_BYTES + 77).map(|n| (n % 251) as u8).collect();
        let cached = CachedSource::new(Arc::new(bytes.clone()));
        for at in [0, 1, BLOCK_BYTES - 1, 2 * BLOCK_BYTES + 5, bytes.len() - 3] {
            let mut read = vec![0; 1000];
            let n = cached.read_at(&mut read, at as u64).unwrap_or_default();
            assert!(n > 0);
            assert_eq!(read.get(..n), bytes.get(at..at + n));
        }
        assert_eq!(
            cached.read_at(&mut [0; 4], bytes.len() as u64).ok(),
            Some(0)
        );
    }
}
