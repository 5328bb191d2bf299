//! Tree diff: the shared part of two trees, in time proportional to their difference. It never enters a
//! subtree that both have.

use std::collections::HashMap;

use crate::blob_store::BlobStore;
use crate::ident::TreeId;
use crate::manifest::chunk_tree::node::ChildEntry;
use crate::manifest::chunk_tree::node::ChunkEntry;
use crate::manifest::chunk_tree::node::Node;
use crate::manifest::chunk_tree::node::Totals;
use crate::manifest::chunk_tree::walk::TreeError;
use crate::manifest::chunk_tree::walk::load;
use crate::manifest::chunk_tree::walk::load_child;

/// The shared part of two trees. Each occurrence of a chunk counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeDiff {
    /// Totals in both trees.
    pub shared: Totals,
    /// Totals in the first tree only.
    pub only_a: Totals,
    /// Totals in the second tree only.
    pub only_b: Totals,
}

/// Compares two trees.
/// A chunk with several occurrences counts as shared as often as both trees have it. One that moved
/// under an otherwise equal subtree counts as changed.
///
/// # Errors
/// [`TreeError`] when a node is missing or wrong.
pub fn diff_trees(blobs: &dyn BlobStore, a: TreeId, b: TreeId) -> Result<TreeDiff, TreeError> {
    let (mut a, mut b) = (Frontier::at_root(blobs, a)?, Frontier::at_root(blobs, b)?);
    let mut diff = TreeDiff::default();
    loop {
        let shared = take_common(&mut a.children, &mut b.children, |c| c.id, |c| c.totals);
        diff.shared = sum(diff.shared, shared);
        // The taller side goes down first, so that equal subtrees meet at their own level.
        if a.level >= b.level && a.level > 0 {
            a = a.down(blobs)?;
        } else if b.level > 0 {
            b = b.down(blobs)?;
        } else {
            break;
        }
    }
    let chunk_totals = |c: &ChunkEntry| Totals {
        bytes: u64::from(c.bytes),
        chunks: 1,
        newlines: u64::from(c.newlines),
    };
    let shared = take_common(&mut a.chunks, &mut b.chunks, |c| c.id, chunk_totals);
    diff.shared = sum(diff.shared, shared);
    diff.only_a = a
        .chunks
        .iter()
        .map(chunk_totals)
        .fold(Totals::default(), sum);
    diff.only_b = b
        .chunks
        .iter()
        .map(chunk_totals)
        .fold(Totals::default(), sum);
    Ok(diff)
}

/// The part of one tree not yet known to be shared, all of one level.
struct Frontier {
    /// Level of the nodes in `children`, plus one; 0 when `chunks` is the frontier.
    level: u8,
    children: Vec<ChildEntry>,
    chunks: Vec<ChunkEntry>,
}

impl Frontier {
    fn at_root(blobs: &dyn BlobStore, root: TreeId) -> Result<Self, TreeError> {
        let node = load(blobs, root)?;
        let totals = node.totals().ok_or(TreeError::Mismatch(root))?;
        let children = vec![ChildEntry { id: root, totals }];
        Ok(Self {
            level: node.level() + 1,
            children,
            chunks: Vec::new(),
        })
    }

    fn down(self, blobs: &dyn BlobStore) -> Result<Self, TreeError> {
        let mut below = Self {
            level: self.level - 1,
            children: Vec::new(),
            chunks: Vec::new(),
        };
        for child in &self.children {
            match load_child(blobs, child, self.level)? {
                Node::Leaf(chunks) => below.chunks.extend(chunks),
                Node::Inner { children, .. } => below.children.extend(children),
            }
        }
        Ok(below)
    }
}

/// Removes the common part from both, pairing occurrences, and returns its totals.
fn take_common<T, K: std::hash::Hash + Eq>(
    a: &mut Vec<T>,
    b: &mut Vec<T>,
    id: impl Fn(&T) -> K,
    totals: impl Fn(&T) -> Totals,
) -> Totals {
    let mut spare: HashMap<K, usize> = HashMap::new();
    for item in a.iter() {
        *spare.entry(id(item)).or_default() += 1;
    }
    let mut paired: HashMap<K, usize> = HashMap::new();
    let mut shared = Totals::default();
    b.retain(|item| match spare.get_mut(&id(item)) {
        Some(n) if *n > 0 => {
            *n -= 1;
            *paired.entry(id(item)).or_default() += 1;
            shared = sum(shared, totals(item));
            false
        }
        _ => true,
    });
    a.retain(|item| match paired.get_mut(&id(item)) {
        Some(n) if *n > 0 => {
            *n -= 1;
            false
        }
        _ => true,
    });
    shared
}

fn sum(a: Totals, b: Totals) -> Totals {
    // Both are parts of trees whose totals fit.
    a.plus(b).unwrap_or(a)
}
