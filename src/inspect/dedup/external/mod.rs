//! Work beyond memory: passes, partitions, spill files.

pub(crate) mod multi_pass;
pub(crate) mod partitions;
pub(crate) mod row_set;
pub(crate) mod spill;
