//! Packs on disk.
//!
//! - `file`: appending records; `records`, `location`: their locations
//! - `reader`: reading and checking blobs; `bases`: bases of deltas

pub(crate) mod bases;
pub(crate) mod file;
pub(crate) mod location;
pub(crate) mod reader;
pub(crate) mod records;
