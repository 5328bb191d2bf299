//! Chunk trees: nodes, building, walking, seeking, comparing, and the part that is held.

pub(crate) mod diff;
pub(crate) mod held;
pub(crate) mod node;
pub(crate) mod seek;
pub(crate) mod tree;
pub(crate) mod walk;
pub(crate) mod weight;
