//! Commands that compare rows: duplicates in one target, overlap of two.

pub(crate) mod dedup;
mod near;
pub(crate) mod overlap;
