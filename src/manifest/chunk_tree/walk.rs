//! Chunk tree walk. The tree may come from elsewhere, so the walk checks depth, lengths and counts
//! against the parent and, in the end, the manifest. A tree cannot expand beyond them.

use thiserror::Error;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::TreeId;
use crate::manifest::chunk_tree::node::ChildEntry;
use crate::manifest::chunk_tree::node::ChunkEntry;
use crate::manifest::chunk_tree::node::Node;
use crate::manifest::chunk_tree::node::Totals;
use crate::wire::DecodeError;

/// Failure to walk a tree.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TreeError {
    /// A node or chunk cannot be read.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A node is malformed.
    #[error("tree node {0} is malformed")]
    Node(TreeId, #[source] DecodeError),
    /// A node does not hold the totals that its parent says.
    #[error("tree node {0} is not what the tree above it says")]
    Mismatch(TreeId),
    /// The tree does not hold the number of bytes that the manifest says.
    #[error("the tree {root} does not hold the {expected} bytes that it should")]
    Size {
        /// The root of the tree.
        root: TreeId,
        /// The number in the manifest.
        expected: u64,
    },
}

impl Classify for TreeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Blob(e) => e.kind(),
            Self::Node(..) | Self::Mismatch(_) | Self::Size { .. } => ErrorKind::Integrity,
        }
    }
}

/// Iterates over the chunks of a tree in the order of the data.
pub struct TreeWalk<'a> {
    blobs: &'a dyn BlobStore,
    /// Inner nodes being visited, each with the children that are still to come, reversed.
    stack: Vec<(u8, Vec<ChildEntry>)>,
    leaf: std::vec::IntoIter<ChunkEntry>,
    leaf_id: TreeId,
    offset: u64,
}

impl<'a> TreeWalk<'a> {
    /// Starts at the chunk that holds the byte at `from`.
    ///
    /// # Errors
    /// [`TreeError`] when a node on the way is missing or wrong, or the tree does not hold exactly
    /// `size` bytes.
    pub fn new(
        blobs: &'a dyn BlobStore,
        root: TreeId,
        size: u64,
        from: u64,
    ) -> Result<Self, TreeError> {
        let node = load(blobs, root)?;
        let totals = node.totals().ok_or(TreeError::Mismatch(root))?;
        if totals.bytes != size || totals.chunks > size {
            return Err(TreeError::Size {
                root,
                expected: size,
            });
        }
        let mut walk = Self {
            blobs,
            stack: Vec::new(),
            leaf: Vec::new().into_iter(),
            leaf_id: root,
            offset: 0,
        };
        walk.enter(root, node, from);
        walk.descend(from)?;
        Ok(walk)
    }

    /// Returns the offset of the next chunk.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the leaf of the last chunk.
    pub fn leaf(&self) -> TreeId {
        self.leaf_id
    }

    fn enter(&mut self, id: TreeId, node: Node, from: u64) {
        match node {
            Node::Leaf(chunks) => {
                self.leaf_id = id;
                let mut chunks = chunks.into_iter();
                while let Some(first) = chunks.as_slice().first() {
                    if self.offset + u64::from(first.bytes) > from {
                        break;
                    }
                    self.offset += u64::from(first.bytes);
                    chunks.next();
                }
                self.leaf = chunks;
            }
            Node::Inner {
                level,
                mut children,
            } => {
                children.reverse();
                self.stack.push((level, children));
            }
        }
    }

    /// Descends to a leaf with a chunk, or to the end of the tree.
    fn descend(&mut self, from: u64) -> Result<(), TreeError> {
        while self.leaf.as_slice().is_empty() {
            let Some((level, children)) = self.stack.last_mut() else {
                return Ok(());
            };
            let level = *level;
            match children.pop() {
                None => {
                    self.stack.pop();
                }
                // Offsets stay below the size, because the totals fit.
                Some(child) if self.offset + child.totals.bytes <= from => {
                    self.offset += child.totals.bytes;
                }
                Some(child) => {
                    let node = load_child(self.blobs, &child, level)?;
                    self.enter(child.id, node, from);
                }
            }
        }
        Ok(())
    }
}

impl Iterator for TreeWalk<'_> {
    type Item = Result<(u64, ChunkEntry), TreeError>;

    /// Returns the next chunk and the offset of its first byte.
    fn next(&mut self) -> Option<Self::Item> {
        if self.leaf.as_slice().is_empty()
            && let Err(e) = self.descend(0)
        {
            self.stack.clear();
            return Some(Err(e));
        }
        let entry = self.leaf.next()?;
        let at = self.offset;
        self.offset += u64::from(entry.bytes);
        Some(Ok((at, entry)))
    }
}

/// Visits the id of every node and chunk of a tree, as often as the tree names it. It skips a subtree if
/// `visit` returns `false` for its node.
///
/// # Errors
/// [`TreeError`] when a node is missing or wrong.
pub fn each_node(
    blobs: &dyn BlobStore,
    root: TreeId,
    visit: &mut dyn FnMut(BlobKey) -> bool,
) -> Result<(), TreeError> {
    if !visit(BlobKey::new(BlobKind::Node, *root.as_bytes())) {
        return Ok(());
    }
    let mut stack = vec![load(blobs, root)?];
    while let Some(node) = stack.pop() {
        match node {
            Node::Leaf(chunks) => {
                for c in chunks {
                    visit(BlobKey::new(BlobKind::Chunk, *c.id.as_bytes()));
                }
            }
            Node::Inner { level, children } => {
                for child in children {
                    if visit(BlobKey::new(BlobKind::Node, *child.id.as_bytes())) {
                        stack.push(load_child(blobs, &child, level)?);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Reads all bytes of a tree that fits in memory.
///
/// # Errors
/// [`TreeError`] when a node or chunk is missing or wrong, or the size differs.
pub fn read_tree(blobs: &dyn BlobStore, root: TreeId, size: u64) -> Result<Vec<u8>, TreeError> {
    let mut bytes = Vec::new();
    for entry in TreeWalk::new(blobs, root, size, 0)? {
        let (_, chunk) = entry?;
        let key = BlobKey::new(BlobKind::Chunk, *chunk.id.as_bytes());
        let data = blobs.get(&key)?;
        if data.len() as u64 != u64::from(chunk.bytes) {
            return Err(TreeError::Blob(BlobError::Corrupt(key)));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

pub(in crate::manifest) fn load(blobs: &dyn BlobStore, id: TreeId) -> Result<Node, TreeError> {
    let bytes = blobs.get(&BlobKey::new(BlobKind::Node, *id.as_bytes()))?;
    Node::decode(&bytes).map_err(|e| TreeError::Node(id, e))
}

pub(in crate::manifest) fn load_child(
    blobs: &dyn BlobStore,
    child: &ChildEntry,
    parent_level: u8,
) -> Result<Node, TreeError> {
    let node = load(blobs, child.id)?;
    let level_fits = node.level().checked_add(1) == Some(parent_level);
    if level_fits && node.totals() == Some(child.totals) {
        Ok(node)
    } else {
        Err(TreeError::Mismatch(child.id))
    }
}

/// Returns the totals of a tree, from its root alone.
///
/// # Errors
/// [`TreeError`] when the root is missing or wrong.
pub fn tree_totals(blobs: &dyn BlobStore, root: TreeId) -> Result<Totals, TreeError> {
    load(blobs, root)?.totals().ok_or(TreeError::Mismatch(root))
}
