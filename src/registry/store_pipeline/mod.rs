//! Store pipeline: `chunker` cuts bytes, `pipeline` runs the workers that hash and claim chunks,
//! `packer` builds records of new ones, and `tree_writer` stores tree nodes.

pub(crate) mod chunker;
pub(crate) mod packer;
pub(crate) mod pipeline;
pub(crate) mod tree_writer;
