//! Commands that write rows into files.
//!
//! `row_writer.rs` writes the rows that a command picks; `rejects.rs` takes those that cannot be written.

pub(crate) mod export;
pub(crate) mod filter;
pub(crate) mod merge;
mod rejects;
pub(crate) mod row_writer;
pub(crate) mod sample;
pub(crate) mod split;
