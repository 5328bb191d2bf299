//! Files in a home that only save time, and may be lost at any moment.

pub(crate) mod files;
pub(crate) mod row_indexes;
pub(crate) mod sketches;
pub(crate) mod spill;
