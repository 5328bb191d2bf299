//! **alimentar**: a sovereign registry node for datasets, as a library.
//!
//! A dataset goes in as bytes, is cut into content-defined chunks, stored once, named and
//! versioned, and comes out again verified. Nothing needs a network, an account or a server.
//!
//! | feature | adds | layer |
//! |---|---|---|
//! | *(none)* | identifiers, chunking, packs, manifests, trees, the memory store | 1–7, pure; builds for wasm32 |
//! | `disk` | packs and the redb index on a real disk | 7 |
//! | `inspect` | formats, schemas, row counts | 8 |
//! | `search` | full-text search over what is said of datasets | 7 |
//! | `registry` | `LocalRegistry`, the use-cases | 10 |
//! | `federation` | QUIC, serving, pulling | 11 |
//! | `cli` (default) | the `alimentar` binary | 12 |
//!
//! Modules are layers and point downwards only; `tests/it/layering.rs` holds the table and
//! `docs/architecture.md` is the tour.

#[cfg(feature = "registry")]
pub mod registry;

#[cfg(feature = "registry")]
pub mod age_format;
pub mod archive;
pub mod blob_store;
pub mod card;
pub mod catalog;
pub mod chunk;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod error_kind;
#[cfg(feature = "disk")]
pub mod file_io;
pub mod ident;
#[cfg(feature = "inspect")]
pub mod inspect;
#[cfg(feature = "disk")]
pub mod keyring;
pub mod manifest;
pub mod meta_store;
#[cfg(feature = "federation")]
pub mod net;
pub mod pack;
pub mod panics;
pub mod progress;
pub mod protocol;
pub mod read_at;
#[cfg(feature = "search")]
pub mod search;
mod splitmix;
pub mod store;
pub mod trust;
pub mod wire;

#[cfg(feature = "registry")]
pub use registry::LocalRegistry;
