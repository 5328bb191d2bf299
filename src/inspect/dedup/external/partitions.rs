//! Partitions of fixed-size records. Each partition is processed by itself later; records beyond a
//! memory budget go to the spill.
//!
//! In memory, records lie in blocks of one size each. A freed block goes back to the system; many
//! growing vectors would leave their memory with the allocator.

use std::io;

use crate::inspect::dedup::Spill;
use crate::inspect::dedup::SpillRun;

pub(in crate::inspect::dedup) struct Partitions<'a> {
    parts: Vec<PartitionState>,
    spill: &'a dyn Spill,
    budget_bytes: usize,
    blocks: Blocks,
    /// Bytes written to the spill.
    pub(in crate::inspect::dedup) spilled_bytes: u64,
}

/// One partition: its blocks in memory and its run on disk.
#[derive(Default)]
struct PartitionState {
    blocks: Vec<usize>,
    /// Bytes used in the last block.
    filled: usize,
    run: Option<Box<dyn SpillRun>>,
    spilled_bytes: u64,
}

/// Block allocator of all partitions.
struct Blocks {
    bytes: Vec<u8>,
    block_bytes: usize,
    free: Vec<usize>,
}

/// The records of one partition.
pub(in crate::inspect::dedup) struct PartitionRecords {
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
            parts: (0..parts).map(|_| PartitionState::default()).collect(),
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

    /// Appends records to a partition.
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
                if !self.blocks.add_block(held, self.budget_bytes) {
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

    /// Writes all blocks to the spill.
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

    /// Ends the writing. If any partition has spilled, all of them spill, because later steps need
    /// the memory.
    pub(in crate::inspect::dedup) fn end_writing(&mut self) -> io::Result<()> {
        if self.spilled_bytes > 0 {
            self.flush()?;
            self.blocks.bytes = Vec::new();
            self.blocks.free = Vec::new();
        }
        Ok(())
    }

    /// Takes all records out of a partition. Those on disk are read on demand.
    pub(in crate::inspect::dedup) fn take(&mut self, part: usize) -> PartitionRecords {
        let mut taken = self.parts.get_mut(part).map(std::mem::take);
        let held = taken.get_or_insert_default();
        let pieces = self.blocks.of(&held.blocks, held.filled);
        let part = PartitionRecords {
            held: pieces.collect::<Vec<_>>().concat(),
            run: held.run.take(),
            spilled_bytes: held.spilled_bytes,
        };
        self.blocks.free.append(&mut held.blocks);
        part
    }
}

impl Blocks {
    /// Returns the free bytes in the last block of a partition.
    fn room(&mut self, held: &PartitionState) -> &mut [u8] {
        let Some(block) = held.blocks.last() else {
            return &mut [];
        };
        let start = block * self.block_bytes;
        let room = start + held.filled..start + self.block_bytes;
        self.bytes.get_mut(room).unwrap_or_default()
    }

    /// Adds a block to a partition; false if that exceeds the budget. The first block is always
    /// granted.
    fn add_block(&mut self, held: &mut PartitionState, budget_bytes: usize) -> bool {
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

    /// Iterates over the contents of blocks; the last one is filled up to `filled`.
    fn of(&self, blocks: &[usize], filled: usize) -> impl Iterator<Item = &[u8]> {
        blocks.iter().enumerate().map(move |(n, block)| {
            let start = block * self.block_bytes;
            let length = if n + 1 == blocks.len() {
                filled
            } else {
                self.block_bytes
            };
            self.bytes.get(start..start + length).unwrap_or_default()
        })
    }
}

impl PartitionRecords {
    /// Decodes all records of `N` bytes with `of`.
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

/// Size limit of a block, in bytes.
const BLOCK_BYTES_MAX: usize = 64 << 10;
const BLOCK_BYTES_MIN: usize = 256;
