//! Chunk tree builder: takes chunks as they come, and holds one unfinished node for each level.

use crate::ident::TreeId;
use crate::manifest::chunk_tree::node::ChildEntry;
use crate::manifest::chunk_tree::node::ChunkEntry;
use crate::manifest::chunk_tree::node::Node;
use crate::manifest::chunk_tree::node::Totals;
use crate::wire::limits::NODE_ENTRIES_MAX;

/// Minimum entries of a node, before an entry's hash may end it.
pub const NODE_ENTRIES_MIN: usize = 16;
/// A node ends where the first two hash bytes, little-endian, have none of these bits.
pub const NODE_END_MASK: u16 = 0x7f;

/// Collects chunk entries into nodes. Node boundaries depend on the entries' hashes alone, so two
/// versions of a dataset share every node that no edit touched.
///
/// ```
/// use alimentar::blob_store::BlobKind;
/// use alimentar::blob_store::BlobStore;
/// use alimentar::ident::ChunkId;
/// use alimentar::manifest::ChunkEntry;
/// use alimentar::manifest::TreeBuilder;
/// use alimentar::manifest::read_tree;
/// use alimentar::store::MemoryBlobs;
///
/// let blobs = MemoryBlobs::new();
/// let (mut tree, mut nodes) = (TreeBuilder::new(), Vec::new());
/// for chunk in [b"first\n".as_slice(), b"second\n"] {
///     blobs.put(BlobKind::Chunk, chunk)?;
///     let (id, bytes) = (ChunkId::of(chunk), u32::try_from(chunk.len())?);
///     let entry = ChunkEntry { id, bytes, newlines: 1 };
///     tree.push(entry, &mut |_, node| nodes.push(node));
/// }
/// let (root, totals) = tree.finish(&mut |_, node| nodes.push(node));
/// for node in nodes {
///     blobs.put(BlobKind::Node, &node)?;
/// }
/// assert_eq!(totals.newlines, 2);
/// assert_eq!(read_tree(&blobs, root, totals.bytes)?, b"first\nsecond\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TreeBuilder {
    leaf: Vec<ChunkEntry>,
    /// `inner[n]` collects children for a node of level `n + 1`.
    inner: Vec<Vec<ChildEntry>>,
    totals: Totals,
}

impl TreeBuilder {
    /// Makes a builder of a tree without chunks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the totals of the chunks so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Adds the next chunk. Full nodes go to `emit` as id and bytes.
    pub fn push(&mut self, entry: ChunkEntry, emit: &mut dyn FnMut(TreeId, Vec<u8>)) {
        self.totals.bytes += u64::from(entry.bytes);
        self.totals.chunks += 1;
        self.totals.newlines += u64::from(entry.newlines);
        self.leaf.push(entry);
        if node_ends(self.leaf.len(), entry.id.as_bytes()) {
            let node = Node::Leaf(std::mem::take(&mut self.leaf));
            self.close(node, emit);
        }
    }

    /// Emits the remaining nodes, and returns the root's id and the tree's totals.
    pub fn finish(mut self, emit: &mut dyn FnMut(TreeId, Vec<u8>)) -> (TreeId, Totals) {
        let totals = self.totals;
        if !self.leaf.is_empty() {
            let node = Node::Leaf(std::mem::take(&mut self.leaf));
            self.close(node, emit);
        }
        let mut level = 0;
        while let Some(children) = self.inner.get_mut(level).map(std::mem::take) {
            let top = level + 1 == self.inner.len();
            match children.as_slice() {
                [] => {}
                // A node with one child would add nothing: the child moves up in its place.
                [only] if top => return (only.id, totals),
                [only] => self.add_child(level + 1, *only, emit),
                _ => self.close(
                    Node::Inner {
                        level: level as u8 + 1,
                        children,
                    },
                    emit,
                ),
            }
            level += 1;
        }
        let empty = Node::Leaf(Vec::new()).encode();
        let id = TreeId::of(&empty);
        emit(id, empty);
        (id, totals)
    }

    fn close(&mut self, node: Node, emit: &mut dyn FnMut(TreeId, Vec<u8>)) {
        let level = usize::from(node.level());
        let totals = node.totals().unwrap_or_default();
        let bytes = node.encode();
        let id = TreeId::of(&bytes);
        emit(id, bytes);
        self.add_child(level, ChildEntry { id, totals }, emit);
    }

    fn add_child(&mut self, slot: usize, child: ChildEntry, emit: &mut dyn FnMut(TreeId, Vec<u8>)) {
        if self.inner.len() <= slot {
            self.inner.resize_with(slot + 1, Vec::new);
        }
        let Some(children) = self.inner.get_mut(slot) else {
            return;
        };
        children.push(child);
        if node_ends(children.len(), child.id.as_bytes()) {
            // `slot` is small: every level has at least 16 times fewer nodes.
            let node = Node::Inner {
                level: slot as u8 + 1,
                children: std::mem::take(children),
            };
            self.close(node, emit);
        }
    }
}

fn node_ends(entries: usize, hash: &[u8; 32]) -> bool {
    let [low, high, ..] = *hash;
    let bits = u16::from_le_bytes([low, high]);
    entries >= NODE_ENTRIES_MAX || (entries >= NODE_ENTRIES_MIN && bits & NODE_END_MASK == 0)
}
