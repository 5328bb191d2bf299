//! The pipeline that stores bytes: chunker, workers, packer, writer of trees.

pub(crate) mod chunker;
pub(crate) mod packer;
pub(crate) mod pipeline;
pub(crate) mod tree_writer;
