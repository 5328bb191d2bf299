//! Blocks of files that were verified, kept for the next client that reads them.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;

use hyper::body::Bytes;
use tokio::sync::OnceCell;

use crate::doors::limits::KEPT_BLOCKS_MAX;
use crate::doors::limits::KEPT_BYTES_MAX;
use crate::ident::ContentId;
use crate::locks::lock;

/// A block: the dataset, the number of the file, the number of the block in it.
pub(super) type BlockKey = (ContentId, usize, u64);

type Slot = Arc<OnceCell<Bytes>>;

/// The blocks that are kept. Clients that want the same block at the same time share one reading.
#[derive(Default)]
pub(super) struct Blocks(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    slots: HashMap<BlockKey, (Slot, u64)>,
    /// Counts uses, for the order of the last ones.
    uses: u64,
    bytes: usize,
}

impl Blocks {
    /// Returns a block, which `read` reads if it is not here.
    ///
    /// # Errors
    /// That of `read`. It is not kept.
    pub(super) async fn get<F>(&self, key: BlockKey, read: impl FnOnce() -> F) -> io::Result<Bytes>
    where
        F: Future<Output = io::Result<Bytes>>,
    {
        let slot = self.slot(key);
        // If the client that reads goes away, the next one reads anew.
        let mut is_new = false;
        let block = slot
            .get_or_try_init(|| {
                is_new = true;
                read()
            })
            .await;
        match block {
            Ok(bytes) => {
                if is_new {
                    lock(&self.0).note(bytes.len());
                }
                Ok(bytes.clone())
            }
            Err(e) => {
                lock(&self.0).forget(&key, &slot);
                Err(e)
            }
        }
    }

    /// Returns a block that is here.
    pub(super) fn kept(&self, key: BlockKey) -> Option<Bytes> {
        let mut kept = lock(&self.0);
        kept.uses += 1;
        let uses = kept.uses;
        let (slot, used) = kept.slots.get_mut(&key)?;
        *used = uses;
        slot.get().cloned()
    }

    fn slot(&self, key: BlockKey) -> Slot {
        let mut kept = lock(&self.0);
        kept.uses += 1;
        let uses = kept.uses;
        let (slot, used) = kept.slots.entry(key).or_default();
        *used = uses;
        Arc::clone(slot)
    }
}

impl Kept {
    /// Counts the bytes of a new block, and lets go of those that were used least recently.
    fn note(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes <= KEPT_BYTES_MAX && self.slots.len() <= KEPT_BLOCKS_MAX {
            return;
        }
        // A slot that is empty and that nobody else has is one whose client went away.
        let is_idle = |slot: &Slot| slot.initialized() || Arc::strong_count(slot) == 1;
        let full = self.slots.iter().filter(|(_, (slot, _))| is_idle(slot));
        let mut by_use: Vec<(u64, BlockKey)> = full.map(|(key, (_, used))| (*used, *key)).collect();
        by_use.sort_unstable();
        // An eighth at a time, so that the sorting is seldom.
        let (bytes_max, blocks_max) = (KEPT_BYTES_MAX / 8 * 7, KEPT_BLOCKS_MAX / 8 * 7);
        for (_, key) in by_use {
            if self.bytes <= bytes_max && self.slots.len() <= blocks_max {
                break;
            }
            if let Some((slot, _)) = self.slots.remove(&key) {
                self.bytes = self.bytes.saturating_sub(slot.get().map_or(0, Bytes::len));
            }
        }
    }

    /// Removes a slot without a block.
    fn forget(&mut self, key: &BlockKey, slot: &Slot) {
        let is_same = |(kept, _): &(Slot, u64)| Arc::ptr_eq(kept, slot) && !kept.initialized();
        if self.slots.get(key).is_some_and(is_same) {
            self.slots.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(work: impl Future<Output = T>) -> T {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.build().unwrap().block_on(work)
    }

    #[test]
    fn block_is_read_once_and_an_error_is_not_kept() {
        let blocks = Blocks::default();
        let key = (ContentId::new([1; 32]), 0, 0);
        run(async {
            let failed = blocks
                .get(key, || async { Err(io::ErrorKind::InvalidData.into()) })
                .await;
            assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::InvalidData);
            let read = blocks
                .get(key, || async { Ok(Bytes::from_static(b"ab")) })
                .await;
            assert_eq!(read.unwrap(), "ab");
            let again = blocks
                .get(key, || async { Ok(Bytes::from_static(b"cd")) })
                .await;
            assert_eq!(again.unwrap(), "ab");
        });
    }

    #[test]
    fn kept_blocks_stay_within_the_budget() {
        let blocks = Blocks::default();
        run(async {
            for n in 0..((2 * KEPT_BYTES_MAX as u64) >> 20) {
                let key = (ContentId::new([1; 32]), 0, n);
                let read = blocks
                    .get(key, || async { Ok(Bytes::from(vec![0; 1 << 20])) })
                    .await;
                assert_eq!(read.unwrap().len(), 1 << 20);
                assert!(lock(&blocks.0).bytes <= KEPT_BYTES_MAX);
            }
        });
    }
}
