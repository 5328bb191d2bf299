//! Objects of S3: signatures and lists.

pub(crate) mod list;
pub(crate) mod sign;
pub mod xml;
