//! What a reader and a writer of an archive remember of it: which blobs stood in it last, and which
//! subtrees were read whole.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use crate::blob_store::BlobKey;
use crate::ident::TreeId;
use crate::manifest::Totals;

/// Blobs that a writer and a reader remember.
const REMEMBERED: usize = 1 << 20;
/// Times that one tree may name a node again, on average over its different nodes, in an archive so
/// long that a writer may have repeated blobs in it.
const WALKED_AGAIN_MAX: u64 = 64;

/// The blobs that stood in an archive last.
pub struct Recent {
    capacity: usize,
    known: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
    has_forgotten: bool,
    whole: HashMap<TreeId, (u8, Totals)>,
    /// Nodes of the tree that is being read, and how often one of them was named again; kept only
    /// since something was forgotten.
    in_tree: HashSet<TreeId>,
    walked_again: u64,
}

/// The state of a node that a tree names.
pub(super) enum Subtree {
    /// It was not read yet, or has to be read again.
    Unread,
    /// All of it was read, and it is at this level and holds this much.
    Whole(u8, Totals),
    /// It was walked again more often than archives need.
    Exhausted,
}

impl Default for Recent {
    fn default() -> Self {
        Self::with_capacity(REMEMBERED)
    }
}

impl Recent {
    /// A memory of at most `capacity` blobs.
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

    /// True where the archive held a blob and it is still remembered.
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

    /// A tree begins.
    pub(super) fn begin_tree(&mut self) {
        self.in_tree.clear();
        self.walked_again = 0;
    }

    /// Notes that everything under a node was read.
    pub(super) fn add_whole(&mut self, id: TreeId, level: u8, totals: Totals) {
        self.whole.insert(id, (level, totals));
    }

    /// The state of a node. While nothing was forgotten, no writer repeats anything: what was
    /// read whole need not be walked again. Afterwards it has to be, since blobs under it may stand
    /// in the archive once more. How often within one tree is bounded by how many nodes it has;
    /// versions of a dataset share most of theirs, and each of their trees is walked once.
    pub(super) fn subtree(&mut self, id: &TreeId) -> Subtree {
        if !self.has_forgotten {
            let whole = self.whole.get(id);
            return whole.map_or(Subtree::Unread, |(l, t)| Subtree::Whole(*l, *t));
        }
        if self.in_tree.insert(*id) {
            return Subtree::Unread;
        }
        self.walked_again += 1;
        let different = self.in_tree.len() as u64;
        match self.walked_again > different.saturating_mul(WALKED_AGAIN_MAX) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob_store::BlobKind;

    fn is_exhausted(recent: &mut Recent, id: &TreeId) -> bool {
        matches!(recent.subtree(id), Subtree::Exhausted)
    }

    #[test]
    fn versions_that_share_their_nodes_are_walked_however_many_there_are() {
        let mut recent = Recent::with_capacity(100);
        let nodes: Vec<TreeId> = (0..10_u8).map(|n| TreeId::of(&[n])).collect();
        for id in &nodes {
            recent.add_whole(*id, 0, Totals::default());
            assert!(matches!(recent.subtree(id), Subtree::Whole(0, _)));
        }
        for n in 0..=100_u64 {
            let hash = *blake3::hash(&n.to_le_bytes()).as_bytes();
            recent.add(&BlobKey::new(BlobKind::Chunk, hash));
        }
        for _ in 0..1000 {
            recent.begin_tree();
            assert!(!nodes.iter().any(|id| is_exhausted(&mut recent, id)));
        }
        // One tree that names its nodes again and again is another thing.
        let walked = (0..10_000).take_while(|_| !is_exhausted(&mut recent, &nodes[0]));
        assert_eq!(walked.count() as u64, 10 * WALKED_AGAIN_MAX);
        recent.begin_tree();
        assert!(!is_exhausted(&mut recent, &nodes[0]));
    }
}
