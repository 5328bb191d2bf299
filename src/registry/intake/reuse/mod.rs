//! What need not be fetched: `bases` has bytes that are here already, `known` files that need not even be
//! read.

pub(super) mod bases;
pub(super) mod known;
