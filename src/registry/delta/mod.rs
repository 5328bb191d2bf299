//! Delta storage. `writer` encodes a chunk as a delta from a base, `parent` finds bases in the
//! version before, and `similarity` finds them in the whole store.

pub(crate) mod base_bytes;
pub(crate) mod parent;
pub(crate) mod similarity;
pub(crate) mod writer;
