//! Packs: files of self-describing, checksummed records, appended and never changed in place.
//! This module knows their bytes; files and locks are the store's. Normative: `spec/pack.md`.

pub mod layout;
mod record;
mod scan;

pub use record::Flags;
pub use record::Item;
pub use record::Record;
pub use record::RecordHeader;
pub use record::RecordView;
pub use scan::Found;
pub use scan::scan;

#[cfg(test)]
mod tests;
