//! Windows: the units of a download.

use crate::manifest::ChunkEntry;
use crate::registry::delta::parent::ParentPlace;

/// A window: neighbouring chunks of a tree.
#[derive(Debug)]
pub(crate) struct Window {
    /// Sequence number, from 0.
    pub(crate) number: u64,
    /// Offset of the first chunk in the tree's data.
    pub(crate) offset: u64,
    /// The chunks, held or not.
    pub(crate) chunks: Vec<ChunkEntry>,
    /// The position of each chunk in the parent version. Empty without one.
    pub(crate) places: Vec<ParentPlace>,
}

impl Window {
    /// Returns the length of the window's data in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.chunks.iter().map(|c| c.bytes as usize).sum()
    }
}
