//! The disk store: a registry's home with packs for bytes and redb for their locations. Several
//! processes share both without waiting for each other's long work. Normative: `spec/store-layout.md`.
//!
//! - `store`, `open`: the handle of a home; `blobs`: the blob store trait over it
//! - `index`: the database; `pack`: appending and reading blobs; `session`: one writer, and
//!   `session_rows` the rows that it commits
//! - `gc`, `epoch`: collection, and the operations that it waits for
//! - `rebuild`: an index from the packs; `fsck`, `stats`: checks and figures
//! - `io`: the disk trait; `home`, `layout`, `reserve`: the directory
//! - `error`: the errors

mod blobs;
pub(crate) mod epoch;
mod error;
mod fsck;
mod gc;
mod home;
pub(crate) mod index;
pub mod io;
mod layout;
mod open;
pub(crate) mod pack;
mod rebuild;
mod reserve;
mod session;
mod session_rows;
mod stats;
mod store;
#[cfg(test)]
mod tests;

pub use crate::store::disk::epoch::EpochGuard;
pub use crate::store::disk::io::real::RealDisk;
pub use crate::store::disk::pack::location::Location;
pub use crate::store::disk::pack::reader::BlobReader;
pub use crate::store::disk::pack::unpacked::Unpacked;
pub use crate::store::disk::rebuild::old_index::OldIndex;
pub use crate::store::disk::rebuild::unreadable::Span;
pub use error::StoreError;
pub use fsck::FsckReport;
pub use gc::Deferred;
pub use gc::GcOptions;
pub use gc::GcReport;
pub use gc::KEEP_DAYS;
pub use gc::Restorable;
pub use gc::RootSet;
pub use gc::Roots;
pub use home::HomeFault;
pub use home::home_fault;
pub use layout::STORE_VERSION;
pub use rebuild::Recovered;
pub use rebuild::Refill;
pub use rebuild::Salvage;
pub use session::AlsoRows;
pub use session::Entry;
pub use session::SessionStats;
pub use session::WriteSession;
pub use stats::StoreStats;
pub use store::DiskStore;

pub use crate::store::disk::io::LockGuard;
