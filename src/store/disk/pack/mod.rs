//! Packs: appending blobs, and reading them back.

pub(crate) mod bases;
pub(crate) mod file;
pub(crate) mod reader;
pub(crate) mod records;
