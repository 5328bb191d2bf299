//! Cuts of an edited file: chunks of the old tree stay where no edit is near, and bytes around
//! edits are cut anew. The chunks are those of a fresh index.

use crate::chunk::next_cut;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::inspect::edits::FileOverlay;
use crate::manifest::ChunkEntry;
use crate::manifest::TreeError;
use crate::manifest::TreeWalk;
use crate::registry::store_pipeline::chunker::Chunker;

/// Chunks of the old tree, found by their offset in ascending order.
pub(super) struct OldChunks<'a> {
    walk: TreeWalk<'a>,
    next: Option<(u64, ChunkEntry)>,
}

impl<'a> OldChunks<'a> {
    pub(super) fn new(walk: TreeWalk<'a>) -> Self {
        Self { walk, next: None }
    }

    /// Returns the chunk that begins at an offset of the dataset.
    fn at(&mut self, offset: u64) -> Result<Option<ChunkEntry>, TreeError> {
        loop {
            match self.next {
                Some((at, chunk)) if at == offset => return Ok(Some(chunk)),
                Some((at, _)) if at > offset => return Ok(None),
                _ => {}
            }
            match self.walk.next().transpose()? {
                Some(next) => self.next = Some(next),
                None => return Ok(None),
            }
        }
    }
}

/// Bytes of the old file that the new one has too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KeptRange {
    /// Offset in the new file, and in the old one.
    new_at: u64,
    old_at: u64,
    bytes: u64,
}

/// Cuts a file that is a region of its own, before and after its edits.
pub(super) struct Recutter<'a> {
    old: OldChunks<'a>,
    /// Offset of the old file in the dataset.
    old_start: u64,
    kept: Vec<KeptRange>,
    /// Index of the first kept range that ends behind `start`.
    next_kept: usize,
    old_size: u64,
    size: u64,
    /// Offset of the next chunk.
    start: u64,
    /// Number of bytes that were pushed.
    pushed: u64,
    /// Bytes from the next chunk on, behind `passed` bytes of the last ones.
    buffer: Vec<u8>,
    passed: usize,
}

impl<'a> Recutter<'a> {
    pub(super) fn new(old: OldChunks<'a>, old_start: u64, overlay: &FileOverlay) -> Self {
        let mut kept = Vec::new();
        let (mut old_at, mut new_at) = (0, 0);
        let mut keep = |old_at: u64, new_at: u64, old_end: u64| {
            if old_end > old_at {
                let bytes = old_end - old_at;
                kept.push(KeptRange {
                    new_at,
                    old_at,
                    bytes,
                });
            }
        };
        for (old, new) in overlay.edited_ranges() {
            keep(old_at, new_at, old.0);
            (old_at, new_at) = (old.0 + old.1, new.0 + new.1);
        }
        keep(old_at, new_at, overlay.base_bytes());
        Self {
            old,
            old_start,
            kept,
            next_kept: 0,
            old_size: overlay.base_bytes(),
            size: overlay.bytes(),
            start: 0,
            pushed: 0,
            buffer: Vec::new(),
            passed: 0,
        }
    }

    /// Takes the next bytes of the new file.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        chunker: &mut Chunker<'_>,
    ) -> Result<(), TreeError> {
        let mut rest = bytes;
        loop {
            self.advance(chunker)?;
            self.buffer.drain(..self.passed);
            self.passed = 0;
            // Bytes of chunks that are kept already are not looked at.
            let covered = usize::try_from(self.start.saturating_sub(self.pushed));
            let covered = covered.unwrap_or(usize::MAX).min(rest.len());
            let (_, after) = rest.split_at(covered);
            // Those behind the next cut may be of a kept chunk.
            let (now, later) = after.split_at(after.len().min(CHUNK_BYTES_MAX));
            self.pushed += (covered + now.len()) as u64;
            self.buffer.extend_from_slice(now);
            if rest.is_empty() {
                return Ok(());
            }
            rest = later;
        }
    }

    /// Ends the file.
    pub(super) fn finish(mut self, chunker: &mut Chunker<'_>) -> Result<(), TreeError> {
        self.advance(chunker)?;
        chunker.end_region();
        Ok(())
    }

    /// Makes all chunks that are certain by now.
    fn advance(&mut self, chunker: &mut Chunker<'_>) -> Result<(), TreeError> {
        while self.start < self.size {
            if let Some(chunk) = self.kept_chunk()? {
                chunker.append_known(&[chunk]);
                self.pass(chunk.bytes as usize);
                continue;
            }
            let is_end = self.pushed == self.size;
            let rest = self.buffer.get(self.passed..).unwrap_or_default();
            let Some(length) = next_cut(rest, is_end) else {
                return Ok(());
            };
            chunker.append_chunk(rest.get(..length.get()).unwrap_or_default());
            self.pass(length.get());
        }
        Ok(())
    }

    fn pass(&mut self, bytes: usize) {
        self.start += bytes as u64;
        self.passed = (self.passed + bytes).min(self.buffer.len());
    }

    /// Returns the old chunk that the new file has at the next cut too. A cut depends on at most
    /// `CHUNK_BYTES_MAX` bytes and on the end of the region, so these have to be the same.
    fn kept_chunk(&mut self) -> Result<Option<ChunkEntry>, TreeError> {
        let range = loop {
            let Some(range) = self.kept.get(self.next_kept) else {
                return Ok(None);
            };
            if self.start < range.new_at + range.bytes {
                break range;
            }
            self.next_kept += 1;
        };
        let Some(far) = self.start.checked_sub(range.new_at) else {
            return Ok(None);
        };
        let left = range.bytes - far;
        let is_end =
            range.old_at + range.bytes == self.old_size && range.new_at + range.bytes == self.size;
        if left < CHUNK_BYTES_MAX as u64 && !is_end {
            return Ok(None);
        }
        self.old.at(self.old_start + range.old_at + far)
    }
}
