//! Distinct bytes of a tree. A tree may name a node or a chunk any number of times, so its size says
//! nothing about the bytes that a peer sent for it.

use std::collections::HashSet;

use crate::blob_store::BlobStore;
use crate::ident::ChunkId;
use crate::ident::TreeId;
use crate::manifest::chunk_tree::node::ChildEntry;
use crate::manifest::chunk_tree::node::ChunkEntry;
use crate::manifest::chunk_tree::node::Node;
use crate::manifest::chunk_tree::walk::TreeError;
use crate::manifest::chunk_tree::walk::load;
use crate::manifest::chunk_tree::walk::load_child;

/// Sums the lengths of the distinct chunks under trees.
#[derive(Debug, Default)]
pub struct DistinctBytes {
    chunks: HashSet<ChunkId>,
    bytes: u64,
}

impl DistinctBytes {
    /// Returns the sum so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Counts the chunks of a node. An inner node has none.
    pub fn add(&mut self, node: &Node) {
        if let Node::Leaf(chunks) = node {
            self.add_chunks(chunks);
        }
    }

    /// Counts chunks.
    pub fn add_chunks(&mut self, chunks: &[ChunkEntry]) {
        for chunk in chunks {
            if self.chunks.insert(chunk.id) {
                self.bytes = self.bytes.saturating_add(u64::from(chunk.bytes));
            }
        }
    }
}

/// Returns the sum of the lengths of the distinct chunks under a tree. It reads each distinct node once,
/// and stops when the sum is at least `enough`.
///
/// # Errors
/// [`TreeError`] when a node is missing or wrong.
pub fn distinct_bytes(blobs: &dyn BlobStore, root: TreeId, enough: u64) -> Result<u64, TreeError> {
    let mut counted = DistinctBytes::default();
    let mut seen = HashSet::from([root]);
    let mut stack: Vec<(u8, ChildEntry)> = Vec::new();
    let mut node = load(blobs, root)?;
    loop {
        counted.add(&node);
        if let Node::Inner { level, children } = node {
            stack.extend(children.into_iter().rev().map(|c| (level, c)));
        }
        let next = loop {
            match stack.pop() {
                Some((_, child)) if seen.contains(&child.id) => {}
                next => break next,
            }
        };
        match next {
            Some((level, child)) if counted.bytes() < enough => {
                seen.insert(child.id);
                node = load_child(blobs, &child, level)?;
            }
            _ => return Ok(counted.bytes()),
        }
    }
}
