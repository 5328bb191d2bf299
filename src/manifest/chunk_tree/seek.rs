//! Newline search in a chunk tree. Nodes count newlines, so the search reads no chunk.

use crate::blob_store::BlobStore;
use crate::ident::TreeId;
use crate::manifest::chunk_tree::node::ChunkEntry;
use crate::manifest::chunk_tree::node::Node;
use crate::manifest::chunk_tree::node::Totals;
use crate::manifest::chunk_tree::walk::TreeError;
use crate::manifest::chunk_tree::walk::load;
use crate::manifest::chunk_tree::walk::load_child;

/// A chunk and the totals before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkPosition {
    /// The chunk.
    pub chunk: ChunkEntry,
    /// The totals of all chunks before it.
    pub before: Totals,
}

/// Returns the chunk that holds the byte at an offset; `None` at the end of the data or behind it.
///
/// # Errors
/// [`TreeError`] when a node on the way is missing or wrong.
pub fn chunk_of_byte(
    blobs: &dyn BlobStore,
    root: TreeId,
    offset: u64,
) -> Result<Option<ChunkPosition>, TreeError> {
    seek(blobs, root, &|sum| sum.bytes > offset)
}

/// Returns the chunk that holds the newline with this number, from 0; `None` where there are fewer.
///
/// # Errors
/// [`TreeError`] when a node on the way is missing or wrong.
pub fn chunk_of_newline(
    blobs: &dyn BlobStore,
    root: TreeId,
    number: u64,
) -> Result<Option<ChunkPosition>, TreeError> {
    seek(blobs, root, &|sum| sum.newlines > number)
}

/// Returns the first chunk at which the sum up to it is enough.
fn seek(
    blobs: &dyn BlobStore,
    root: TreeId,
    is_enough: &dyn Fn(Totals) -> bool,
) -> Result<Option<ChunkPosition>, TreeError> {
    let mut node = load(blobs, root)?;
    let mut before = Totals::default();
    let sum = |before: Totals, more| before.plus(more).ok_or(TreeError::Mismatch(root));
    // Every child is of one level less, so this ends.
    loop {
        match node {
            Node::Leaf(chunks) => {
                for chunk in chunks {
                    let one = Totals {
                        bytes: u64::from(chunk.bytes),
                        chunks: 1,
                        newlines: u64::from(chunk.newlines),
                    };
                    let after = sum(before, one)?;
                    if is_enough(after) {
                        return Ok(Some(ChunkPosition { chunk, before }));
                    }
                    before = after;
                }
                return Ok(None);
            }
            Node::Inner { level, children } => {
                let mut next = None;
                for child in children {
                    let after = sum(before, child.totals)?;
                    if is_enough(after) {
                        next = Some(child);
                        break;
                    }
                    before = after;
                }
                match next {
                    Some(child) => node = load_child(blobs, &child, level)?,
                    None => return Ok(None),
                }
            }
        }
    }
}
