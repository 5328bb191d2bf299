//! What a reader and a writer of an archive remember of it: which blobs stood in it last, and which
//! subtrees were read whole.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use crate::blob_store::BlobKey;
use crate::ident::TreeId;
use crate::manifest::Totals;

/// Blobs that a writer, and a reader, remember; few in tests.
const REMEMBERED: usize = match cfg!(test) {
    true => 1 << 13,
    false => 1 << 20,
};
/// How often nodes may be walked again for every one that was read, where an archive is so long
/// that a writer may have repeated blobs in it.
const WALKED_AGAIN_MAX: u64 = 64;

/// The blobs that stood in an archive last.
#[derive(Default)]
pub struct Recent {
    known: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
    has_forgotten: bool,
    whole: HashMap<TreeId, (u8, Totals)>,
    walked_again: u64,
}

/// What is known of a node that a tree names.
pub(super) enum Subtree {
    /// It was not read yet, or has to be read again.
    Unread,
    /// All of it was read, and it is at this level and holds this much.
    Whole(u8, Totals),
    /// It was walked again more often than archives need.
    Exhausted,
}

impl Recent {
    /// Whether a blob is among them.
    pub fn has(&self, key: &BlobKey) -> bool {
        self.known.contains(&short(key))
    }

    /// Remembers a blob.
    pub fn add(&mut self, key: &BlobKey) {
        if self.known.insert(short(key)) {
            self.order.push_back(short(key));
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
                self.has_forgotten = true;
            }
        }
    }

    /// Notes that everything under a node was read.
    pub(super) fn add_whole(&mut self, id: TreeId, level: u8, totals: Totals) {
        self.whole.insert(id, (level, totals));
    }

    /// What is known of a node. While nothing was forgotten, no writer repeats anything: what was
    /// read whole need not be walked again. Afterwards it has to be, since blobs under it may stand
    /// in the archive once more; how often is bounded by how much was read.
    pub(super) fn subtree(&mut self, id: &TreeId) -> Subtree {
        let Some((level, totals)) = self.whole.get(id) else {
            return Subtree::Unread;
        };
        if !self.has_forgotten {
            return Subtree::Whole(*level, *totals);
        }
        self.walked_again += 1;
        let read = self.whole.len() as u64;
        match self.walked_again > read.saturating_mul(WALKED_AGAIN_MAX) {
            true => Subtree::Exhausted,
            false => Subtree::Unread,
        }
    }
}

/// Nobody finds two blobs with the same 128 bits of BLAKE3, so far.
fn short(key: &BlobKey) -> [u8; 16] {
    let id = key.id.as_bytes();
    id.first_chunk().copied().unwrap_or_default()
}
