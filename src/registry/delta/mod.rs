//! DeltaWriter: records that store a chunk as its delta from a base.

pub(crate) mod parent;
pub(crate) mod similarity;
pub(crate) mod writer;
