//! Manifests: the description of a dataset, the table of its files, and the tree of its chunks.
//! The module is pure: it reads trees through [`BlobStore`](crate::blob_store::BlobStore). Normative:
//! `spec/manifest.md`, `spec/chunk-tree.md`, `spec/identifiers.md`.
//!
//! - `model`, `envelope`, `rank`: the manifest, its signed form, the order of its states
//! - `provenance`: the place that a dataset was taken in from
//! - `table`: files of a dataset
//! - `tree`, `node`: building a chunk tree; `walk`, `seek`, `diff`, `weight`: reading it;
//!   `held`: reading the part of it that is here

mod diff;
mod envelope;
mod error;
mod held;
mod model;
mod node;
mod provenance;
mod rank;
mod seek;
mod table;
mod tree;
mod walk;
mod weight;

pub use diff::TreeDiff;
pub use diff::diff_trees;
pub use envelope::Envelope;
pub use held::each_held_node;
pub use held::held_bytes;
pub use model::DatasetKind;
pub use model::Manifest;
pub use error::ManifestError;
pub use node::ChildEntry;
pub use node::ChunkEntry;
pub use node::Node;
pub use node::Totals;
pub use provenance::Provenance;
pub use rank::Rank;
pub use seek::ChunkPosition;
pub use seek::chunk_of_byte;
pub use seek::chunk_of_newline;
pub use table::FILE_HASH_BYTES_MIN;
pub use table::FileEntry;
pub use table::FileTable;
pub use table::PathError;
pub use table::TableError;
pub use table::check_path;
pub use tree::TreeBuilder;
pub use walk::TreeError;
pub use walk::TreeWalk;
pub use walk::each_node;
pub use walk::read_tree;
pub use walk::tree_totals;
pub use weight::DistinctBytes;
pub use weight::distinct_bytes;

#[cfg(test)]
mod tests;
