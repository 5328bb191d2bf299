//! **alimentar**: a sovereign, peer-to-peer registry node for datasets, as a library.
//!
//! A registry is a directory. Indexing a file cuts its bytes into content-defined chunks, stores each
//! chunk once, and names the dataset and its version by a manifest. Reading verifies every byte. No
//! operation needs a network, an account or a server.
//!
//! # Index and check out
//!
#![cfg_attr(feature = "registry", doc = "```")]
#![cfg_attr(not(feature = "registry"), doc = "```ignore")]
//! use alimentar::LocalRegistry;
//! use alimentar::progress::NoProgress;
//! use alimentar::registry::IndexOptions;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let work = tempfile::tempdir()?;
//! let file = work.path().join("greetings.jsonl");
//! std::fs::write(&file, "{\"text\": \"hello\"}\n{\"text\": \"good morning\"}\n")?;
//!
//! let registry = LocalRegistry::open(&work.path().join("home"))?;
//! let report = registry.index(&file, &IndexOptions::default(), &NoProgress)?;
//! assert_eq!(report.manifest.name.as_str(), "greetings");
//! assert_eq!(report.manifest.num_rows, 2);
//!
//! let dataset = registry.get(&report.manifest.content_id)?.ok_or("no such dataset")?;
//! let copy = work.path().join("copy.jsonl");
//! registry.checkout(&dataset, None, &copy, &NoProgress)?;
//! assert_eq!(std::fs::read(&file)?, std::fs::read(&copy)?);
//! # Ok(())
//! # }
//! ```
//!
//! # Sign and verify
//!
//! A signature binds a manifest, and with it all bytes of the dataset, to a publisher's key.
//! `LocalRegistry::verify` reads every byte and compares it with the manifest. A peer's offer is
//! another matter: `net::Net` connects to a node, `registry.peers().resolve_remote(…)` finds an offer there,
//! and `registry.peers().pull(…)` downloads it once the trust policy accepts it.
//!
#![cfg_attr(feature = "registry", doc = "```")]
#![cfg_attr(not(feature = "registry"), doc = "```ignore")]
//! use alimentar::LocalRegistry;
//! use alimentar::progress::NoProgress;
//! use alimentar::registry::IndexOptions;
//! use alimentar::trust::KeyPair;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let work = tempfile::tempdir()?;
//! # let file = work.path().join("greetings.jsonl");
//! # std::fs::write(&file, "{\"text\": \"hello\"}\n")?;
//! # let registry = LocalRegistry::open(&work.path().join("home"))?;
//! let report = registry.index(&file, &IndexOptions::default(), &NoProgress)?;
//! let dataset = registry.get(&report.manifest.content_id)?.ok_or("no such dataset")?;
//!
//! let pair = KeyPair::generate()?;
//! let signed = registry.publishing().sign(&dataset, &pair)?;
//! assert_eq!(signed.manifest.signer, Some(pair.public_key()));
//! registry.verify(&signed, &NoProgress)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Read the rows of a file
//!
//! `inspect::rows` reads rows of JSON Lines, CSV, Parquet and other formats as JSON. Below it, `inspect::table` reads
//! from any [`ReadAt`](crate::read_at::ReadAt): bytes in memory, a file, or a dataset in a registry.
//!
#![cfg_attr(feature = "inspect", doc = "```")]
#![cfg_attr(not(feature = "inspect"), doc = "```ignore")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut rows = alimentar::inspect::rows("tests/data/gsm8k/test.jsonl")?;
//! let first = rows.next().ok_or("the file is empty")??;
//! assert!(first.json.starts_with("{\"question\":"));
//! assert_eq!(rows.count(), 1318);
//! # Ok(())
//! # }
//! ```
//!
//! # Where to start
//!
//! | type | purpose |
//! |---|---|
//! | `LocalRegistry` | a registry on disk: index, check out, sign, verify, search, export |
//! | `registry::peers::Peers`, `registry::Archives`, `registry::TrustSettings` | its views: `registry.peers()`, `.archives()`, `.trust()` |
//! | [`Manifest`](crate::manifest::Manifest) | the description of one version of a dataset |
//! | [`Reference`](crate::ident::Reference) | the text that names a dataset: `name@1.2`, a content id |
//! | [`KeyPair`](crate::trust::KeyPair) | a publisher's key |
//! | [`TrustStore`](crate::trust::TrustStore) | the publishers that the user knows, and their statements |
//! | `inspect::table::Table` | the rows of a file |
//! | `documents::FastStore` | a collection of JSON documents |
//! | `net::Node` | a serving node |
//! | `net::Peer` | a connection to another node |
//!
//! # Features
//!
//! | feature | adds | layer |
//! |---|---|---|
//! | *(none)* | identifiers, chunking, packs, manifests, trees, the memory store | 1–8, pure; builds for wasm32 |
//! | `disk` | packs and the redb index on a real disk | 9 |
//! | `inspect` | formats, schemas, rows, deduplication, lint, statistics; checks of archives | 10–11; builds for wasm32 |
//! | `tokens` | token counts; brings vocabularies of 1 MB | 10 |
//! | `search` | full-text search over names, tags, cards and columns | 9 |
//! | `documents` | collections of JSON documents | 11 |
//! | `documents-async` | the same for async programs, with tokio | 13 |
//! | `features` | tables of features by key, for batches of keys | 11 |
//! | `registry` | `LocalRegistry` and its operations | 12 |
//! | `federation` | QUIC, serving, pulling, gossip | 13 |
//! | `doors` | datasets for clients of the hub and of S3, and for browsers | 14 |
//! | `feature-server` | tables of features over HTTP and Arrow Flight | 14 |
//! | `mcp` | the MCP server for assistants | 14 |
//! | `tui` | the viewer in the terminal | 14 |
//! | `cli` (default) | the `alimentar` binary | 15 |
//!
//! Modules are layers, and a module uses only those below it; `tests/it/layering.rs` holds the table and
//! `docs/architecture.md` is the tour.

#[cfg(feature = "registry")]
pub mod registry;

#[cfg(feature = "registry")]
pub mod age_format;
pub mod archive;
#[cfg(feature = "inspect")]
pub mod archive_check;
pub mod blob_store;
pub mod card;
pub mod catalog;
pub mod chunk;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
#[cfg(feature = "documents")]
pub mod documents;
#[cfg(feature = "documents-async")]
pub mod documents_async;
#[cfg(feature = "doors")]
pub mod doors;
pub mod error_kind;
#[cfg(feature = "feature-server")]
pub mod feature_server;
#[cfg(feature = "features")]
pub mod features;
#[cfg(feature = "disk")]
pub mod file_io;
#[cfg(any(feature = "doors", feature = "feature-server"))]
mod http_server;
pub mod ident;
#[cfg(feature = "inspect")]
pub mod inspect;
#[cfg(feature = "disk")]
pub mod keyring;
pub mod locks;
pub mod manifest;
#[cfg(any(feature = "documents", feature = "features"))]
mod mapped_file;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod meta_store;
#[cfg(feature = "federation")]
pub mod net;
pub mod pack;
pub mod panics;
pub mod progress;
pub mod protocol;
pub mod read_at;
#[cfg(feature = "registry")]
pub mod remote;
#[cfg(feature = "search")]
pub mod search;
mod splitmix;
pub mod store;
#[cfg(test)]
mod testing;
pub mod trust;
#[cfg(all(feature = "tui", unix))]
pub mod tui;
pub mod wire;

#[cfg(feature = "registry")]
pub use registry::LocalRegistry;
