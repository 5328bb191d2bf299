//! The bytes of a segment, and the checksums of its blocks.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::features::error::FeatureError;
use crate::features::segment::BLOCK_BYTES;
use crate::features::segment::CHECK_BYTES;
use crate::features::segment::HEAD_BYTES;
use crate::features::segment::block_check;
use crate::locks::threads;
use crate::mapped_file::MappedFile;
use crate::mapped_file::PrivateMap;

/// The bytes of a segment up to its checksums.
#[derive(Debug)]
pub(super) struct SegmentMemory {
    file: Arc<File>,
    bytes: Bytes,
    /// The offset behind the last part.
    data_end: u64,
    file_bytes: u64,
    checks: Vec<u8>,
    /// A bit for each block that was checked.
    checked: Vec<AtomicU64>,
    /// True once all blocks were.
    is_all_checked: AtomicBool,
    /// True if the map does not stay in memory, so that pages are asked for before they are read.
    is_cold: bool,
}

#[derive(Debug)]
enum Bytes {
    Map(MappedFile),
    Copy(PrivateMap),
}

impl SegmentMemory {
    /// Maps a file whose checksums are known.
    pub(super) fn map(
        file: Arc<File>,
        (data_end, file_bytes): (u64, u64),
        checks: Vec<u8>,
    ) -> io::Result<Self> {
        let length = usize::try_from(data_end).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let map = MappedFile::new(Arc::clone(&file), length)?;
        let blocks = (length - HEAD_BYTES).div_ceil(BLOCK_BYTES);
        Ok(Self {
            file,
            bytes: Bytes::Map(map),
            data_end,
            file_bytes,
            checks,
            checked: (0..blocks.div_ceil(64))
                .map(|_| AtomicU64::new(0))
                .collect(),
            is_all_checked: AtomicBool::new(blocks == 0),
            is_cold: available_memory().is_some_and(|bytes| data_end > bytes),
        })
    }

    /// Copies all bytes to large pages, and checks them.
    ///
    /// # Errors
    /// [`FeatureError::Damaged`]; [`FeatureError::File`] if there is no memory.
    pub(super) fn copied(&self, path: &Path) -> Result<Self, FeatureError> {
        let failed = |e| FeatureError::file("read", path, e);
        let length = usize::try_from(self.data_end).unwrap_or(usize::MAX);
        let mut copy = PrivateMap::zeros(length).map_err(failed)?;
        let (_, blocks) = copy.bytes_mut().split_at_mut(HEAD_BYTES);
        let share = blocks.len().div_ceil(threads() * BLOCK_BYTES).max(1);
        let read: Result<Vec<()>, FeatureError> = std::thread::scope(|scope| {
            let jobs: Vec<_> = blocks
                .chunks_mut(share * BLOCK_BYTES)
                .enumerate()
                .map(|(n, blocks)| scope.spawn(move || self.read_blocks(n * share, blocks, path)))
                .collect();
            let joined = jobs.into_iter().map(|job| {
                let panicked = || FeatureError::damaged(path, "its reader gave up");
                job.join().unwrap_or_else(|_| Err(panicked()))
            });
            joined.collect()
        });
        read?;
        Ok(Self {
            file: Arc::clone(&self.file),
            bytes: Bytes::Copy(copy),
            data_end: self.data_end,
            file_bytes: self.file_bytes,
            checks: Vec::new(),
            checked: Vec::new(),
            is_all_checked: AtomicBool::new(true),
            is_cold: false,
        })
    }

    fn read_blocks(
        &self,
        first: usize,
        blocks: &mut [u8],
        path: &Path,
    ) -> Result<(), FeatureError> {
        use std::os::unix::fs::FileExt as _;
        let at = HEAD_BYTES as u64 + (first * BLOCK_BYTES) as u64;
        for (n, block) in blocks.chunks_mut(BLOCK_BYTES).enumerate() {
            let read = self
                .file
                .read_exact_at(block, at + (n * BLOCK_BYTES) as u64);
            read.map_err(|e| FeatureError::file("read", path, e))?;
            if !self.is_sound(first + n, block) {
                return Err(damaged_block(path));
            }
        }
        Ok(())
    }

    /// Returns the bytes, if the file has still its length.
    ///
    /// # Errors
    /// [`FeatureError::Damaged`].
    pub(super) fn bytes(&self, path: &Path) -> Result<&[u8], FeatureError> {
        let cut = || FeatureError::damaged(path, "it was cut");
        match &self.bytes {
            Bytes::Copy(copy) => Ok(copy.bytes()),
            Bytes::Map(map) => {
                let length = map.file_length().map_err(|_| cut())?;
                map.bytes_within(0..self.data_end, length).ok_or_else(cut)
            }
        }
    }

    /// Returns the bytes of the file.
    pub(super) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Returns true if no block needs a check.
    pub(super) fn is_all_checked(&self) -> bool {
        self.is_all_checked.load(Ordering::Relaxed)
    }

    /// Returns true if pages should be asked for before they are read.
    pub(super) fn is_cold(&self) -> bool {
        self.is_cold
    }

    /// Asks for pages that are read soon.
    pub(super) fn read_ahead(&self, range: Range<usize>) {
        if let Bytes::Map(map) = &self.bytes {
            map.will_need(range);
        }
    }

    /// Checks the blocks of a range, those that were not checked before.
    ///
    /// # Errors
    /// [`FeatureError::Damaged`].
    pub(super) fn check(
        &self,
        bytes: &[u8],
        range: Range<usize>,
        path: &Path,
    ) -> Result<(), FeatureError> {
        let first = range.start.saturating_sub(HEAD_BYTES) / BLOCK_BYTES;
        let last = range.end.saturating_sub(HEAD_BYTES + 1) / BLOCK_BYTES;
        for block in first..=last {
            let (Some(word), bit) = (self.checked.get(block / 64), 1_u64 << (block % 64)) else {
                continue;
            };
            if word.load(Ordering::Relaxed) & bit != 0 {
                continue;
            }
            let start = HEAD_BYTES + block * BLOCK_BYTES;
            let end = (start + BLOCK_BYTES).min(bytes.len());
            let is_sound = bytes
                .get(start..end)
                .is_some_and(|b| self.is_sound(block, b));
            if !is_sound {
                return Err(damaged_block(path));
            }
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(())
    }

    fn is_sound(&self, block: usize, bytes: &[u8]) -> bool {
        let (checks, _) = self.checks.as_chunks::<CHECK_BYTES>();
        checks.get(block) == Some(&block_check(bytes))
    }
}

fn damaged_block(path: &Path) -> FeatureError {
    FeatureError::damaged(path, "a block is not what was written")
}

/// Returns the bytes of memory that programs can get without swapping, where the system tells.
pub(super) fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}
