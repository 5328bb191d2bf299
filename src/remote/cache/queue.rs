//! Blocks that arrived and wait to be written: several go to the disk at a time, and all of them before
//! the program ends.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;

use crate::locks::lock;
use crate::remote::cache::blocks::BlockFile;
use crate::remote::pool::Block;

/// The kept blocks of a file, and those that are not written yet.
#[derive(Debug)]
pub(crate) struct KeptBlocks {
    file: BlockFile,
    waiting: Mutex<BTreeMap<u64, Block>>,
    /// Held while blocks are written, so that a caller of [`KeptBlocks::save`] waits for other writers.
    writing: Mutex<()>,
}

impl KeptBlocks {
    pub(crate) fn new(file: BlockFile) -> Self {
        Self {
            file,
            waiting: Mutex::default(),
            writing: Mutex::default(),
        }
    }

    /// Returns true if a block is said to be here.
    pub(crate) fn has(&self, block: u64) -> bool {
        self.file.has(block) || lock(&self.waiting).contains_key(&block)
    }

    /// Returns a block of this length, if it is here and has its checksum.
    pub(crate) fn read(&self, block: u64, length: usize) -> Option<Block> {
        let waiting = lock(&self.waiting).get(&block).map(Block::clone);
        waiting.or_else(|| self.file.read(block, length).map(Block::new))
    }

    /// Takes a block, which a later save writes.
    pub(crate) fn put(&self, block: u64, bytes: Block) {
        lock(&self.waiting).insert(block, bytes);
    }

    /// Writes the blocks of a range that wait.
    pub(crate) fn save(&self, range: Range<u64>) {
        let _writing = lock(&self.writing);
        let taken = {
            let mut waiting = lock(&self.waiting);
            let mut taken = waiting.split_off(&range.start);
            let mut behind = taken.split_off(&range.end);
            waiting.append(&mut behind);
            taken
        };
        let mut run: Vec<&[u8]> = Vec::new();
        let (mut first, mut next) = (0, 0);
        for (number, block) in &taken {
            if *number != next && !run.is_empty() {
                self.file.write(first, &run);
                run.clear();
            }
            if run.is_empty() {
                first = *number;
            }
            run.push(block.as_slice());
            next = number + 1;
        }
        if !run.is_empty() {
            self.file.write(first, &run);
        }
    }

    /// Writes all blocks that wait.
    pub(crate) fn save_all(&self) {
        self.save(0..u64::MAX);
    }
}

impl Drop for KeptBlocks {
    fn drop(&mut self) {
        self.save_all();
    }
}
