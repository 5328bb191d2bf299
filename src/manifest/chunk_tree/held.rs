//! Trees of which only a part is here.

use std::collections::HashMap;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::TreeId;
use crate::manifest::chunk_tree::node::ChildEntry;
use crate::manifest::chunk_tree::node::ChunkEntry;
use crate::manifest::chunk_tree::node::Node;
use crate::manifest::chunk_tree::walk::TreeError;
use crate::manifest::chunk_tree::walk::load;
use crate::manifest::chunk_tree::walk::load_child;

/// Visits the part of a tree that is here, as [`each_node`](crate::manifest::each_node) does. A node that is missing or wrong is
/// visited, and nothing below it.
///
/// # Errors
/// [`TreeError::Blob`] when the store failed.
pub fn each_held_node(
    blobs: &dyn BlobStore,
    root: TreeId,
    visit: &mut dyn FnMut(BlobKey) -> bool,
) -> Result<(), TreeError> {
    if !visit(BlobKey::new(BlobKind::Node, *root.as_bytes())) {
        return Ok(());
    }
    let mut stack: Vec<Node> = if_held(load(blobs, root))?.into_iter().collect();
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
                        stack.extend(if_held(load_child(blobs, &child, level))?);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Returns the number of bytes of a tree in chunks that are here, below nodes that are here. Each
/// occurrence counts.
///
/// # Errors
/// [`TreeError::Blob`] when the store failed.
pub fn held_bytes(blobs: &dyn BlobStore, root: TreeId) -> Result<u64, TreeError> {
    let mut sizes: HashMap<TreeId, u64> = HashMap::new();
    held_below(blobs, root, None, &mut sizes)
}

/// Returns the held bytes below a node, and remembers them for other places of the same node. Levels
/// fall by one with each call.
fn held_below(
    blobs: &dyn BlobStore,
    id: TreeId,
    parent: Option<(&ChildEntry, u8)>,
    sizes: &mut HashMap<TreeId, u64>,
) -> Result<u64, TreeError> {
    if let Some(bytes) = sizes.get(&id) {
        return Ok(*bytes);
    }
    let loaded = match parent {
        Some((child, level)) => load_child(blobs, child, level),
        None => load(blobs, id),
    };
    let bytes = match if_held(loaded)? {
        Some(Node::Leaf(chunks)) => {
            let key = |c: &ChunkEntry| BlobKey::new(BlobKind::Chunk, *c.id.as_bytes());
            let keys: Vec<BlobKey> = chunks.iter().map(key).collect();
            let held = blobs.has(&keys).map_err(TreeError::Blob)?;
            let pairs = chunks.iter().zip(held);
            pairs
                .filter(|(_, h)| *h)
                .map(|(c, _)| u64::from(c.bytes))
                .sum()
        }
        Some(Node::Inner { level, children }) => {
            let mut sum = 0_u64;
            for child in &children {
                let below = held_below(blobs, child.id, Some((child, level)), sizes)?;
                sum = sum.saturating_add(below);
            }
            sum
        }
        None => 0,
    };
    sizes.insert(id, bytes);
    Ok(bytes)
}

/// Returns `None` for a node that is missing or wrong.
fn if_held(loaded: Result<Node, TreeError>) -> Result<Option<Node>, TreeError> {
    match loaded {
        Ok(node) => Ok(Some(node)),
        Err(e) if matches!(e.kind(), ErrorKind::Integrity | ErrorKind::NotFound) => Ok(None),
        Err(other) => Err(other),
    }
}
