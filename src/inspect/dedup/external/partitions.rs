//! Records put into parts, each of which is looked at by itself later. Beyond a budget all that is
//! held goes to the spill.
//!
//! What is held lies in blocks of one allocation, which goes back to the system as a whole: as many
//! vectors that grow, it would stay with the allocator.

use std::io;

use crate::inspect::dedup::Spill;
use crate::inspect::dedup::SpillRun;

pub(in crate::inspect::dedup) struct Partitions<'a> {
    parts: Vec<Held>,
    spill: &'a dyn Spill,
    budget_bytes: usize,
    blocks: Blocks,
    /// Bytes that went to the spill.
    pub(in crate::inspect::dedup) spilled_bytes: u64,
}

/// What is held of a part in memory, and what of it is on disk.
#[derive(Default)]
struct Held {
    blocks: Vec<usize>,
    /// Bytes in the last of them.
    filled: usize,
    run: Option<Box<dyn SpillRun>>,
    spilled_bytes: u64,
}

/// Memory for all parts.
struct Blocks {
    bytes: Vec<u8>,
    block_bytes: usize,
    free: Vec<usize>,
}

/// The records of one part.
pub(in crate::inspect::dedup) struct Part {
    held: Vec<u8>,
    run: Option<Box<dyn SpillRun>>,
    spilled_bytes: u64,
}

impl<'a> Partitions<'a> {
    pub(in crate::inspect::dedup) fn new(
        parts: usize,
        budget_bytes: usize,
        spill: &'a dyn Spill,
    ) -> Self {
        let share = budget_bytes / (2 * parts.max(1));
        Self {
            parts: (0..parts).map(|_| Held::default()).collect(),
            spill,
            budget_bytes,
            blocks: Blocks {
                bytes: Vec::new(),
                block_bytes: share.clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX),
                free: Vec::new(),
            },
            spilled_bytes: 0,
        }
    }

    pub(in crate::inspect::dedup) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Puts records into a part.
    pub(in crate::inspect::dedup) fn push(
        &mut self,
        part: usize,
        mut records: &[u8],
    ) -> io::Result<()> {
        while !records.is_empty() {
            let Some(held) = self.parts.get_mut(part) else {
                return Ok(());
            };
            let room = self.blocks.room(held);
            if room.is_empty() {
                if !self.blocks.give(held, self.budget_bytes) {
                    self.flush()?;
                }
                continue;
            }
            let (now, later) = records.split_at(records.len().min(room.len()));
            if let Some(to) = room.get_mut(..now.len()) {
                to.copy_from_slice(now);
            }
            held.filled += now.len();
            records = later;
        }
        Ok(())
    }

    /// Puts all that is held on disk.
    fn flush(&mut self) -> io::Result<()> {
        for held in self.parts.iter_mut().filter(|h| !h.blocks.is_empty()) {
            let run = match &mut held.run {
                Some(run) => run,
                none => none.insert(self.spill.create()?),
            };
            let mut bytes = 0;
            for block in self.blocks.of(&held.blocks, held.filled) {
                run.append(block)?;
                bytes += block.len() as u64;
            }
            held.spilled_bytes += bytes;
            self.spilled_bytes += bytes;
            self.blocks.free.append(&mut held.blocks);
            held.filled = 0;
        }
        Ok(())
    }

    /// No more records come: where some are on disk, all of them go there, since memory is needed for
    /// other things now.
    pub(in crate::inspect::dedup) fn settle(&mut self) -> io::Result<()> {
        if self.spilled_bytes > 0 {
            self.flush()?;
            self.blocks.bytes = Vec::new();
            self.blocks.free = Vec::new();
        }
        Ok(())
    }

    /// All records of a part, which is empty then. Those on disk are read when they are asked for.
    pub(in crate::inspect::dedup) fn take(&mut self, part: usize) -> Part {
        let mut taken = self.parts.get_mut(part).map(std::mem::take);
        let held = taken.get_or_insert_default();
        let pieces = self.blocks.of(&held.blocks, held.filled);
        let part = Part {
            held: pieces.collect::<Vec<_>>().concat(),
            run: held.run.take(),
            spilled_bytes: held.spilled_bytes,
        };
        self.blocks.free.append(&mut held.blocks);
        part
    }
}

impl Blocks {
    /// What is free in the last block of a part.
    fn room(&mut self, held: &Held) -> &mut [u8] {
        let Some(block) = held.blocks.last() else {
            return &mut [];
        };
        let start = block * self.block_bytes;
        let room = start + held.filled..start + self.block_bytes;
        self.bytes.get_mut(room).unwrap_or_default()
    }

    /// Gives a part one more block; not where that is beyond the budget, but for the only one.
    fn give(&mut self, held: &mut Held, budget_bytes: usize) -> bool {
        let next = self.bytes.len();
        let block = match self.free.pop() {
            Some(block) => block,
            None if next > 0 && next + self.block_bytes > budget_bytes => return false,
            None => {
                self.bytes.resize(next + self.block_bytes, 0);
                next / self.block_bytes
            }
        };
        held.blocks.push(block);
        held.filled = 0;
        true
    }

    /// What is in blocks of which the last is filled so far.
    fn of(&self, blocks: &[usize], filled: usize) -> impl Iterator<Item = &[u8]> {
        blocks.iter().enumerate().map(move |(n, block)| {
            let start = block * self.block_bytes;
            let length = match n + 1 == blocks.len() {
                true => filled,
                false => self.block_bytes,
            };
            self.bytes.get(start..start + length).unwrap_or_default()
        })
    }
}

impl Part {
    /// All its records of `N` bytes, each as what `of` makes of it.
    pub(in crate::inspect::dedup) fn records<const N: usize, R>(
        mut self,
        of: impl Fn(&[u8; N]) -> R,
    ) -> io::Result<Vec<R>> {
        let bytes = self.spilled_bytes + self.held.len() as u64;
        let count = usize::try_from(bytes).unwrap_or(usize::MAX) / N;
        let mut records = Vec::with_capacity(count);
        let mut cut: Vec<u8> = Vec::with_capacity(N);
        let mut take = |mut piece: &[u8]| {
            if !cut.is_empty() {
                let (missing, rest) = piece.split_at(piece.len().min(N - cut.len()));
                cut.extend_from_slice(missing);
                piece = rest;
                if let Some(record) = cut.first_chunk().filter(|_| cut.len() == N) {
                    records.push(of(record));
                    cut.clear();
                }
            }
            let (whole, rest) = piece.as_chunks::<N>();
            records.extend(whole.iter().map(&of));
            cut.extend_from_slice(rest);
        };
        if let Some(mut run) = self.run.take() {
            run.read_each(&mut take)?;
        }
        take(&self.held);
        Ok(records)
    }
}

/// Bytes that a part is given at a time.
const BLOCK_BYTES_MAX: usize = 64 << 10;
const BLOCK_BYTES_MIN: usize = 256;
