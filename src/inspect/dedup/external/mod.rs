//! External algorithms for data beyond memory: passes, partitions and spill files.

pub(crate) mod multi_pass;
pub(crate) mod partitions;
pub(crate) mod row_set;
pub(crate) mod spill;
