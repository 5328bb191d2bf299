//! Exact duplicates: hashes of rows, compared byte by byte.

pub(crate) mod compare_bytes;
pub(crate) mod equal_rows;
pub(crate) mod hash;
pub(crate) mod row_hashes;
