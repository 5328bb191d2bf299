//! The answering side: catalogue, chunks, deltas and tree nodes for peers.

pub(crate) mod chunks;
pub(crate) mod deltas;
pub(crate) mod responses;
pub(crate) mod tree_delta;
pub(crate) mod visibility;
