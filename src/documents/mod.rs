//! Collections of JSON documents: a log of lines that other programs read and write too, made durable.
//!
//! - `format/`: bytes in, values out
//! - `disk/`: files, locks, recovery
//! - `store/`: [`FastStore`], a log with an index; `files/`: [`Engine`], a file for each document
//! - `table/`: the places of live documents in a mapped file
//! - `transfer/`: `.zds` archives and snapshots
//!
//! The format is in `spec/documents.md`.

mod collection;
pub(crate) mod disk;
mod document;
mod error;
mod files;
pub mod format;
mod pieces;
mod query;
mod schema_counts;
mod store;
mod table;
mod transfer;

#[cfg(test)]
mod tests;

pub use collection::Collection;
pub use collection::CollectionWriter;
pub use collection::Scanned;
pub use disk::layout::Layout;
pub use disk::manifest::CollectionManifest;
pub use document::Document;
pub use error::DocumentError;
pub use files::BufferedWriter;
pub use files::Engine;
pub use files::SyncWriter;
pub use files::WriteConfig;
pub use query::Scan;
pub use schema_counts::SchemaCount;
pub use store::CollectionStats;
pub use store::CompactionReport;
pub use store::Documents;
pub use store::FastStore;
pub use store::LineRules;
pub use store::LinesReport;
pub use store::OpenMode;
pub use store::RefusedLine;
pub use store::StoreOptions;
pub use store::ValidationReport;
pub use transfer::Unpacked;
pub use transfer::pack;
pub use transfer::snapshot_into;
pub use transfer::unpack;
