//! Line index: finds lines of a text file of any size by number. It stores the number of newlines
//! per block of bytes, and nothing per line. Normative: `spec/line-index.md`.
//!
//! The sums over blocks are Jacobson's `select` ("Space-efficient static trees and graphs", FOCS
//! 1989) over the newlines. The index keeps a few sums and computes the rest on demand. Open
//! `build.rs` for counting, `background.rs` for an index that grows during queries, `read.rs` for
//! reading lines, and `codec.rs` for the stored form.

mod background;
mod build;
mod codec;
mod read;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use background::BackgroundIndex;
pub use build::GrowingLineIndex;
pub use codec::StoredIndex;
pub use read::LinePart;
pub use read::LineSpan;
pub use read::each_line;
pub use read::start_in;

pub use crate::inspect::file_stamp::FileChange;
pub use crate::inspect::file_stamp::FileStamp;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::inspect::file_stamp::EndsError;
use crate::wire::limits::LINE_INDEX_BLOCKS_MAX;

/// Errors of finding or reading lines.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LinesError {
    /// The file differs from the indexed one.
    #[error("its lines changed since they were counted")]
    Changed,
    /// The caller cancelled the work.
    #[error("interrupted")]
    Interrupted,
    /// The source failed.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// The file is shorter than before.
    #[error("it became shorter while it was being read")]
    Shrunk,
    /// The file exceeds the limit of 512 TiB.
    #[error("it is too large for a line index")]
    TooLarge,
}

impl LinesError {
    /// Copies the error for another caller.
    fn duplicate(&self) -> Self {
        match self {
            Self::Changed => Self::Changed,
            Self::Interrupted => Self::Interrupted,
            Self::Read(e) => Self::Read(match e.raw_os_error() {
                Some(code) => std::io::Error::from_raw_os_error(code),
                None => std::io::Error::new(e.kind(), e.to_string()),
            }),
            Self::Shrunk => Self::Shrunk,
            Self::TooLarge => Self::TooLarge,
        }
    }
}

impl From<EndsError> for LinesError {
    fn from(error: EndsError) -> Self {
        match error {
            EndsError::Read(e) => Self::Read(e),
            EndsError::Shrunk => Self::Shrunk,
        }
    }
}

impl Classify for LinesError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Changed | Self::Shrunk => ErrorKind::Io,
            Self::Interrupted => ErrorKind::Interrupted,
            Self::Read(e) => ErrorKind::of_io(e),
            Self::TooLarge => ErrorKind::Unsupported,
        }
    }
}

/// Index of the lines of a file, for a prefix of its bytes.
///
/// It takes 4 bytes per block and 8 per 64 blocks, for at most 2^18 blocks: about 1 MiB for the
/// largest file, and 0.006 bytes per line for one with lines of 100 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineIndex {
    size: u64,
    covered: u64,
    /// True if the last byte covered is not a newline.
    ends_open: bool,
    /// Binary logarithm of the block size.
    shift: u32,
    newlines: u64,
    /// Newlines per block; for the last block, in its covered part.
    counts: Vec<u32>,
    /// Newlines before every [`GROUP_BLOCKS`]th block.
    sums: Vec<u64>,
}

/// Position of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinePosition {
    /// It starts in this block; [`start_in`] reads the block to find it.
    In(Block),
    /// It is beyond the counted part.
    NotYet,
    /// The file has no such line.
    Past,
}

/// A part of a file that contains the start of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Offset of its first byte.
    start: u64,
    /// Length in bytes.
    bytes: u64,
    /// Number of newlines at the time of counting.
    newlines: u32,
    /// Number of these newlines before the line; 0 if the line starts with the block.
    skip: u32,
}

/// Newline counts of consecutive blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockCounts {
    bytes: u64,
    counts: Vec<u32>,
    ends_open: bool,
}

impl LineIndex {
    /// Creates an empty index for a file of `size` bytes; `None` beyond 512 TiB.
    pub fn new(size: u64) -> Option<Self> {
        Some(Self {
            size,
            covered: 0,
            ends_open: false,
            shift: shift_for(size)?,
            newlines: 0,
            counts: Vec::new(),
            sums: Vec::new(),
        })
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Number of bytes counted.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// Returns true if all bytes are counted.
    pub fn is_complete(&self) -> bool {
        self.covered == self.size
    }

    /// Number of lines that start in the counted part.
    pub fn lines(&self) -> u64 {
        self.newlines + u64::from(self.ends_open)
    }

    /// Memory use of the counts, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u32>() + self.sums.capacity() * size_of::<u64>()
    }

    /// Locates a line by its number, from 0.
    pub fn locate(&self, line: u64) -> LinePosition {
        let has_more = self.ends_open || !self.is_complete();
        if line > self.newlines || (line == self.newlines && !has_more) {
            return if self.is_complete() {
                LinePosition::Past
            } else {
                LinePosition::NotYet
            };
        }
        let Some(before) = line.checked_sub(1) else {
            return LinePosition::In(Block::FRONT);
        };
        // The line starts after newline number `before`. The last group that starts at or before it
        // contains that newline.
        let group = self.sums.partition_point(|sum| *sum <= before);
        let group = group.saturating_sub(1);
        let mut sum = self.sums.get(group).copied().unwrap_or(0);
        let first = group * GROUP_BLOCKS;
        for (n, newlines) in self.counts.iter().enumerate().skip(first) {
            let next = sum + u64::from(*newlines);
            if next > before {
                let skip = u32::try_from(before - sum).unwrap_or(u32::MAX);
                return LinePosition::In(self.block(n, *newlines, skip.saturating_add(1)));
            }
            sum = next;
        }
        // Unreachable: the sum of all counts is `newlines`.
        LinePosition::Past
    }

    /// Iterates over the offsets of the counted blocks, each with the number of newlines before it.
    pub fn landmarks(&self) -> impl Iterator<Item = (u64, u64)> {
        let (mut newlines, shift) = (0, self.shift);
        self.counts.iter().enumerate().map(move |(n, count)| {
            let before = newlines;
            newlines += u64::from(*count);
            ((n as u64) << shift, before)
        })
    }

    /// Returns sample blocks from all parts of the covered bytes, the last block included.
    pub(crate) fn samples(&self) -> impl Iterator<Item = Block> {
        let step = self.counts.len().div_ceil(SAMPLES).max(1);
        let all = self.counts.iter().enumerate().rev().step_by(step);
        all.map(|(n, newlines)| self.block(n, *newlines, 0))
    }

    fn block(&self, n: usize, newlines: u32, skip: u32) -> Block {
        let start = (n as u64) << self.shift;
        Block {
            start,
            bytes: (self.covered - start).min(1 << self.shift),
            newlines,
            skip,
        }
    }

    /// Extends the index to a longer file with the same beginning.
    ///
    /// # Errors
    /// [`LinesError::Shrunk`] if the file is not longer, and [`LinesError::TooLarge`].
    pub fn grow(&mut self, size: u64) -> Result<(), LinesError> {
        if size < self.size {
            return Err(LinesError::Shrunk);
        }
        let shift = shift_for(size).ok_or(LinesError::TooLarge)?;
        while self.shift < shift {
            let pairs = self.counts.chunks(2);
            self.counts = pairs.map(|pair| pair.iter().sum()).collect();
            self.shift += 1;
        }
        self.size = size;
        self.sum_up();
        Ok(())
    }

    /// Appends counts of the bytes after the covered part.
    pub(crate) fn append(&mut self, more: &BlockCounts) {
        let mut counts = more.counts.iter().copied();
        if self.covered & ((1 << self.shift) - 1) != 0
            && let (Some(last), Some(rest)) = (self.counts.last_mut(), counts.next())
        {
            // Completes a partly covered block.
            *last += rest;
            self.newlines += u64::from(rest);
        }
        for newlines in counts {
            self.push(newlines);
        }
        self.covered += more.bytes;
        self.ends_open = more.ends_open;
    }

    fn push(&mut self, newlines: u32) {
        if self.counts.len().is_multiple_of(GROUP_BLOCKS) {
            self.sums.push(self.newlines);
        }
        self.counts.push(newlines);
        self.newlines += u64::from(newlines);
    }

    fn sum_up(&mut self) {
        let counts = std::mem::take(&mut self.counts);
        (self.newlines, self.sums) = (0, Vec::new());
        self.counts.reserve(counts.len());
        counts.into_iter().for_each(|newlines| self.push(newlines));
    }
}

impl Block {
    /// The block at the start of the first line.
    const FRONT: Self = Self {
        start: 0,
        bytes: 0,
        newlines: 0,
        skip: 0,
    };
}

/// Returns the smallest block size within the limit on blocks; `None` if the file is too large.
fn shift_for(size: u64) -> Option<u32> {
    let fits = |shift: &u32| size.div_ceil(1 << shift) <= LINE_INDEX_BLOCKS_MAX as u64;
    (SHIFT_MIN..=SHIFT_MAX).find(fits)
}

const SHIFT_MIN: u32 = 16;
/// Largest block size: its newlines must fit into 32 bits.
const SHIFT_MAX: u32 = 31;
/// Blocks counted again to detect a changed file.
const SAMPLES: usize = 16;
/// Blocks per stored sum.
const GROUP_BLOCKS: usize = 64;
