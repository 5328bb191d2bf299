//! Packs on disk.
//!
//! - `file`: appending records; `records`, `location`: their locations; `list`: all packs
//! - `reader`: reading and checking blobs, as `unpacked` records that `record_cache` keeps; `bases`: bases of deltas

pub(crate) mod bases;
pub(crate) mod file;
pub(crate) mod list;
pub(crate) mod location;
pub(crate) mod reader;
pub(crate) mod record_cache;
pub(crate) mod records;
pub(crate) mod unpacked;
