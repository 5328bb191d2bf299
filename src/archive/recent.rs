//! The memory of a reader and a writer of an archive: the last blobs of the stream, and the subtrees
//! that were read completely.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use crate::blob_store::BlobKey;
use crate::ident::TreeId;
use crate::manifest::Totals;

/// Number of blobs that a writer and a reader remember; small in tests.
const REMEMBERED: usize = 1 << 20;
/// Limit of repeated visits within one tree, on average over its distinct nodes, in an archive long
/// enough for a writer to repeat blobs.
const WALKED_AGAIN_MAX: u64 = 64;

/// The last blobs of an archive.
pub struct RecentBlobs {
    capacity: usize,
    known: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
    has_forgotten: bool,
    whole: HashMap<TreeId, (u8, Totals)>,
    /// Nodes of the current tree, and the number of repeated visits; kept only after
    /// something was forgotten.
    in_tree: HashSet<TreeId>,
    walked_again: u64,
}

/// The state of a node named by a tree.
pub(super) enum SubtreeState {
    /// The reader has to read it, for the first time or again.
    Unread,
    /// The reader has read all of it, at this level and with these totals.
    Whole(u8, Totals),
    /// The tree repeats nodes more often than any archive needs.
    Exhausted,
}

impl Default for RecentBlobs {
    fn default() -> Self {
        Self::with_capacity(REMEMBERED)
    }
}

impl RecentBlobs {
    /// Creates a memory of at most `capacity` blobs.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity,
            known: HashSet::new(),
            order: VecDeque::new(),
            has_forgotten: false,
            whole: HashMap::new(),
            in_tree: HashSet::new(),
            walked_again: 0,
        }
    }

    /// Returns true if the archive held a blob and the memory still has it.
    pub fn has(&self, key: &BlobKey) -> bool {
        self.known.contains(&short(key))
    }

    /// Remembers a blob.
    pub fn add(&mut self, key: &BlobKey) {
        if self.known.insert(short(key)) {
            self.order.push_back(short(key));
            if self.order.len() > self.capacity
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
                self.has_forgotten = true;
            }
        }
    }

    /// Begins a tree.
    pub(super) fn begin_tree(&mut self) {
        self.in_tree.clear();
        self.walked_again = 0;
    }

    /// Marks everything below a node as read.
    pub(super) fn add_whole(&mut self, id: TreeId, level: u8, totals: Totals) {
        self.whole.insert(id, (level, totals));
    }

    /// Returns the state of a node.
    /// While nothing was forgotten, no writer repeats a blob, so a complete subtree is not visited
    /// again. Afterwards it is, because blobs below it may follow once more. The number of nodes bounds
    /// the visits within one tree. Versions of a dataset share most nodes, and each of their trees is
    /// visited once.
    pub(super) fn subtree(&mut self, id: &TreeId) -> SubtreeState {
        if !self.has_forgotten {
            let whole = self.whole.get(id);
            return whole.map_or(SubtreeState::Unread, |(l, t)| SubtreeState::Whole(*l, *t));
        }
        if self.in_tree.insert(*id) {
            return SubtreeState::Unread;
        }
        self.walked_again += 1;
        let different = self.in_tree.len() as u64;
        if self.walked_again > different.saturating_mul(WALKED_AGAIN_MAX) {
            SubtreeState::Exhausted
        } else {
            SubtreeState::Unread
        }
    }
}

/// No two blobs with the same 128 bits of BLAKE3 are known.
fn short(key: &BlobKey) -> [u8; 16] {
    let id = key.id.as_bytes();
    id.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob_store::BlobKind;

    fn is_exhausted(recent: &mut RecentBlobs, id: &TreeId) -> bool {
        matches!(recent.subtree(id), SubtreeState::Exhausted)
    }

    #[test]
    fn versions_that_share_their_nodes_are_walked_however_many_there_are() {
        let mut recent = RecentBlobs::with_capacity(100);
        let nodes: Vec<TreeId> = (0..10_u8).map(|n| TreeId::of(&[n])).collect();
        for id in &nodes {
            recent.add_whole(*id, 0, Totals::default());
            assert!(matches!(recent.subtree(id), SubtreeState::Whole(0, _)));
        }
        for n in 0..=100_u64 {
            let hash = *blake3::hash(&n.to_le_bytes()).as_bytes();
            recent.add(&BlobKey::new(BlobKind::Chunk, hash));
        }
        for _ in 0..1000 {
            recent.begin_tree();
            assert!(!nodes.iter().any(|id| is_exhausted(&mut recent, id)));
        }
        // A single tree that repeats its nodes is another case.
        let walked = (0..10_000).take_while(|_| !is_exhausted(&mut recent, &nodes[0]));
        assert_eq!(walked.count() as u64, 10 * WALKED_AGAIN_MAX);
        recent.begin_tree();
        assert!(!is_exhausted(&mut recent, &nodes[0]));
    }
}
