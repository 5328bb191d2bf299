//! Manifests: the description of a dataset, the table of its files, and the tree of its chunks.
//! The module is pure: it reads trees through [`BlobStore`](crate::blob_store::BlobStore). Normative:
//! `spec/manifest.md`, `spec/chunk-tree.md`, `spec/identifiers.md`.
//!
//! - `model`, `envelope`, `rank`: the manifest, its signed form, the order of its states
//! - `provenance`: the place that a dataset was taken in from
//! - `table`: files of a dataset
//! - `chunk_tree`: `tree` and `node` build a chunk tree; `walk`, `seek`, `diff` and `weight` read it, and
//!   `held` reads the part of it that is here

mod envelope;
mod error;
mod model;
mod provenance;
mod rank;
mod table;

pub use crate::manifest::chunk_tree::diff::TreeDiff;
pub use crate::manifest::chunk_tree::diff::diff_trees;
pub use crate::manifest::chunk_tree::held::each_held_node;
pub use crate::manifest::chunk_tree::held::held_bytes;
pub use crate::manifest::chunk_tree::node::ChildEntry;
pub use crate::manifest::chunk_tree::node::ChunkEntry;
pub use crate::manifest::chunk_tree::node::Node;
pub use crate::manifest::chunk_tree::node::Totals;
pub use crate::manifest::chunk_tree::seek::ChunkPosition;
pub use crate::manifest::chunk_tree::seek::chunk_of_byte;
pub use crate::manifest::chunk_tree::seek::chunk_of_newline;
pub use crate::manifest::chunk_tree::tree::TreeBuilder;
pub use crate::manifest::chunk_tree::walk::TreeError;
pub use crate::manifest::chunk_tree::walk::TreeWalk;
pub use crate::manifest::chunk_tree::walk::each_node;
pub use crate::manifest::chunk_tree::walk::read_tree;
pub use crate::manifest::chunk_tree::walk::tree_totals;
pub use crate::manifest::chunk_tree::weight::DistinctBytes;
pub use crate::manifest::chunk_tree::weight::distinct_bytes;
pub use envelope::Envelope;
pub use error::ManifestError;
pub use model::DatasetKind;
pub use model::Manifest;
pub use provenance::Provenance;
pub use rank::Rank;
pub use table::FILE_HASH_BYTES_MIN;
pub use table::FileEntry;
pub use table::FileTable;
pub use table::PathError;
pub use table::TableError;
pub use table::check_path;

pub(crate) mod chunk_tree;
#[cfg(test)]
mod tests;
