//! Packs: files of self-describing, checksummed records, appended and never changed in place.
//! This module encodes and decodes their bytes. The store owns files and
//! locks. Normative: `spec/pack.md`.
//!
//! - `layout`: constants and the pack header
//! - `record`: one record, encoded and decoded
//! - `scan`: the search for records when no index is at hand

pub mod layout;
mod record;
mod scan;

pub use record::Flags;
pub use record::Item;
pub use record::Record;
pub use record::RecordHeader;
pub use record::RecordView;
pub use scan::ScanItem;
pub use scan::scan;

#[cfg(test)]
mod tests;
