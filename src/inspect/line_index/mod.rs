//! Lines of a file of text by number, whatever its size: how many newlines each block of bytes
//! has, and nothing for a single line. Normative: `spec/line-index.md`.
//!
//! Sums over blocks, of which few are kept and the rest added up when asked for, are Jacobson's
//! `select` ("Space-efficient static trees and graphs", FOCS 1989) over the newlines of a file.

mod background;
mod build;
mod codec;
mod read;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use background::Background;
pub use build::Growing;
pub use codec::StoredIndex;
pub use read::Line;
pub use read::Part;
pub use read::each_line;
pub use read::start_in;

pub use crate::inspect::file_stamp::FileStamp;
pub use crate::inspect::file_stamp::Verdict;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::inspect::file_stamp::EndsError;
use crate::wire::limits::LINE_INDEX_BLOCKS_MAX;

/// Why the lines of a file cannot be found.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LinesError {
    /// It is not what was indexed.
    #[error("its lines are not those that were counted")]
    Changed,
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// The source failed.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// It ends before the place where it ended.
    #[error("it became shorter while it was being read")]
    Shrunk,
    /// Beyond what can be divided into blocks: 512 TiB.
    #[error("it is too large for an index of its lines")]
    TooLarge,
}

impl LinesError {
    /// The same once more, for the next who asks.
    fn again(&self) -> Self {
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

/// How many lines begin where, for as much of a file as was counted, from its first byte on.
///
/// It takes 4 bytes a block and 8 for every 64th, with 2^18 blocks at most: some 1 MiB for the
/// largest file, and for one of lines of 100 bytes 0.006 bytes a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineIndex {
    size: u64,
    covered: u64,
    /// The last byte covered is not a newline.
    ends_open: bool,
    /// A block has 2^shift bytes.
    shift: u32,
    newlines: u64,
    /// Newlines of each block; of the last one as far as it is covered.
    counts: Vec<u32>,
    /// Newlines before every [`GROUP_BLOCKS`]th block.
    sums: Vec<u64>,
}

/// Where a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It begins in this block, which has to be read: see [`start_in`].
    In(Block),
    /// Not within what was counted so far.
    NotYet,
    /// There is no such line.
    Past,
}

/// A part of a file in which the beginning of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Offset of its first byte.
    start: u64,
    /// Its length.
    bytes: u64,
    /// How many newlines it had when it was counted.
    newlines: u32,
    /// How many of them are before the line; with none, the line begins where the block does.
    skip: u32,
}

/// Newlines of neighbouring bytes, by block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    bytes: u64,
    counts: Vec<u32>,
    ends_open: bool,
}

impl LineIndex {
    /// An index of nothing yet, for a file of `size` bytes; `None` beyond 512 TiB.
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

    /// How long the file is, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many of its bytes are counted.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// Whether all of them are.
    pub fn is_complete(&self) -> bool {
        self.covered == self.size
    }

    /// How many lines begin within what is counted.
    pub fn lines(&self) -> u64 {
        self.newlines + u64::from(self.ends_open)
    }

    /// Bytes of memory that its numbers take.
    pub fn memory_bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u32>() + self.sums.capacity() * size_of::<u64>()
    }

    /// Where the line of this number is, from 0.
    pub fn locate(&self, line: u64) -> Place {
        let has_more = self.ends_open || !self.is_complete();
        if line > self.newlines || (line == self.newlines && !has_more) {
            return if self.is_complete() {
                Place::Past
            } else {
                Place::NotYet
            };
        }
        let Some(before) = line.checked_sub(1) else {
            return Place::In(Block::FRONT);
        };
        // The line begins behind the newline of number `before`, which is in the last group that
        // does not begin behind it.
        let group = self.sums.partition_point(|sum| *sum <= before);
        let group = group.saturating_sub(1);
        let mut sum = self.sums.get(group).copied().unwrap_or(0);
        let first = group * GROUP_BLOCKS;
        for (n, newlines) in self.counts.iter().enumerate().skip(first) {
            let next = sum + u64::from(*newlines);
            if next > before {
                let skip = u32::try_from(before - sum).unwrap_or(u32::MAX);
                return Place::In(self.block(n, *newlines, skip.saturating_add(1)));
            }
            sum = next;
        }
        // Not reached: the sum of all is `newlines`.
        Place::Past
    }

    /// Some blocks of all parts of what is covered, the last one among them.
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

    /// Makes it one of a longer file that begins with the same bytes.
    ///
    /// # Errors
    /// [`LinesError::Shrunk`] where it is not longer, [`LinesError::TooLarge`].
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

    /// Adds what was counted behind what is covered.
    pub(crate) fn append(&mut self, more: &Counted) {
        let mut counts = more.counts.iter().copied();
        if self.covered & ((1 << self.shift) - 1) != 0
            && let (Some(last), Some(rest)) = (self.counts.last_mut(), counts.next())
        {
            // The rest of a block that was covered in part.
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
    /// Where the first line begins.
    const FRONT: Self = Self {
        start: 0,
        bytes: 0,
        newlines: 0,
        skip: 0,
    };
}

/// The smallest blocks of which there are not too many; `None` where the largest are too many.
fn shift_for(size: u64) -> Option<u32> {
    let fits = |shift: &u32| size.div_ceil(1 << shift) <= LINE_INDEX_BLOCKS_MAX as u64;
    (SHIFT_MIN..=SHIFT_MAX).find(fits)
}

const SHIFT_MIN: u32 = 16;
/// Newlines of a block are to fit 32 bits.
const SHIFT_MAX: u32 = 31;
/// Blocks that are counted again where a file may be another.
const SAMPLES: usize = 16;
/// Blocks between two sums that are kept.
const GROUP_BLOCKS: usize = 64;
