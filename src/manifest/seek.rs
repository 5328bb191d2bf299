//! Finding newlines through a chunk tree, whose nodes count them: no chunk is read for it.

use crate::blob_store::BlobStore;
use crate::ident::TreeId;
use crate::manifest::node::ChunkEntry;
use crate::manifest::node::Node;
use crate::manifest::node::Totals;
use crate::manifest::walk::TreeError;
use crate::manifest::walk::load;
use crate::manifest::walk::load_child;

/// A chunk, and what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sought {
    /// The chunk.
    pub chunk: ChunkEntry,
    /// What all chunks before it hold.
    pub before: Totals,
}

/// The chunk that holds the byte at an offset; none at the end of the data and behind.
///
/// # Errors
/// [`TreeError`] when a node on the way is missing or wrong.
pub fn chunk_of_byte(
    blobs: &dyn BlobStore,
    root: TreeId,
    offset: u64,
) -> Result<Option<Sought>, TreeError> {
    seek(blobs, root, &|sum| sum.bytes > offset)
}

/// The chunk that holds the newline of a number, from 0; none where there are not as many.
///
/// # Errors
/// [`TreeError`] when a node on the way is missing or wrong.
pub fn chunk_of_newline(
    blobs: &dyn BlobStore,
    root: TreeId,
    number: u64,
) -> Result<Option<Sought>, TreeError> {
    seek(blobs, root, &|sum| sum.newlines > number)
}

/// The first chunk with which the sum of everything up to it is enough.
fn seek(
    blobs: &dyn BlobStore,
    root: TreeId,
    is_enough: &dyn Fn(Totals) -> bool,
) -> Result<Option<Sought>, TreeError> {
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
                        return Ok(Some(Sought { chunk, before }));
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
