//! Blocks in memory, of all files together, within a budget.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;

use crate::locks::lock;

/// Bytes of one block.
pub(crate) type Block = Arc<Vec<u8>>;

/// A block of a file: the number of the file, and that of the block.
type Key = (u64, u64);

/// Blocks in memory. Those used last stay.
#[derive(Debug)]
pub(crate) struct Pool {
    bytes_max: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    blocks: HashMap<Key, (Block, u64)>,
    /// Keys by the time of their last use.
    order: BTreeMap<u64, Key>,
    bytes: u64,
    clock: u64,
}

impl Pool {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self {
            bytes_max,
            kept: Mutex::default(),
        }
    }

    /// Returns a block, which becomes the one used last.
    pub(crate) fn get(&self, file: u64, block: u64) -> Option<Block> {
        let mut guard = lock(&self.kept);
        let kept = &mut *guard;
        let (bytes, used) = kept.blocks.get_mut(&(file, block))?;
        kept.order.remove(used);
        kept.clock += 1;
        *used = kept.clock;
        kept.order.insert(kept.clock, (file, block));
        Some(Arc::clone(bytes))
    }

    /// Returns true if a block is here.
    pub(crate) fn has(&self, file: u64, block: u64) -> bool {
        lock(&self.kept).blocks.contains_key(&(file, block))
    }

    /// Keeps a block, and drops those that were not used for the longest time.
    pub(crate) fn put(&self, file: u64, block: u64, bytes: Block) {
        let mut guard = lock(&self.kept);
        let kept = &mut *guard;
        kept.clock += 1;
        kept.bytes += bytes.len() as u64;
        let key = (file, block);
        if let Some((old, used)) = kept.blocks.insert(key, (bytes, kept.clock)) {
            kept.bytes -= old.len() as u64;
            kept.order.remove(&used);
        }
        kept.order.insert(kept.clock, key);
        while kept.bytes > self.bytes_max {
            let Some((_, key)) = kept.order.pop_first() else {
                return;
            };
            if let Some((old, _)) = kept.blocks.remove(&key) {
                kept.bytes -= old.len() as u64;
            }
        }
    }

    /// Drops the blocks of a file.
    pub(crate) fn forget(&self, file: u64) {
        let mut guard = lock(&self.kept);
        let kept = &mut *guard;
        let gone: Vec<Key> = kept
            .blocks
            .keys()
            .filter(|k| k.0 == file)
            .copied()
            .collect();
        for key in gone {
            if let Some((old, used)) = kept.blocks.remove(&key) {
                kept.bytes -= old.len() as u64;
                kept.order.remove(&used);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Pool;

    #[test]
    fn pool_over_its_budget_drops_the_block_used_longest_ago() {
        let pool = Pool::new(30);
        let put = |n: u64| pool.put(1, n, Arc::new(vec![0; 10]));
        for n in 0..3 {
            put(n);
        }
        assert!(pool.get(1, 0).is_some());
        put(3);
        let kept: Vec<u64> = (0..4).filter(|n| pool.has(1, *n)).collect();
        assert_eq!(kept, [0, 2, 3]);
        // A block that comes again counts once.
        put(3);
        assert!(pool.has(1, 0) && pool.has(1, 2));
        pool.forget(1);
        assert!((0..4).all(|n| !pool.has(1, n)));
        put(4);
        assert!(pool.has(1, 4));
    }
}
