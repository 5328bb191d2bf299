//! Options and result of an index.

use std::path::PathBuf;

use crate::catalog::Dataset;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::inspect::table::SchemaFrom;
use crate::manifest::Manifest;
use crate::registry::error::skipped::Skipped;
use crate::registry::index::secrets::SecretWarning;
use crate::registry::metadata::edit::Edit;
use crate::registry::metadata::inherited::Inherited;
use crate::store::disk::SessionStats;
use crate::trust::KeyPair;

/// Options of an index, with the metadata of the dataset.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IndexOptions {
    /// Dataset name. The default is the file name without extension.
    pub name: Option<DatasetName>,
    /// Version. The default is the one after the greatest of that name, or 0.1.0.
    pub version: Option<DatasetVersion>,
    /// Description in Markdown. The default is that of the version before. An empty text means
    /// none.
    pub description: Option<String>,
    /// Licence as an SPDX expression. The default is that of the card or of the version before. An
    /// empty text means none.
    pub license: Option<String>,
    /// Labels in addition to those of the card. The default is those of the version before.
    pub tags: Vec<String>,
    /// Card file. The default is a directory's `README.md`, or the card of the version before.
    pub card: Option<PathBuf>,
    /// Do not share the dataset.
    pub private: bool,
    /// Patterns of paths to exclude from a directory.
    pub exclude: Vec<String>,
    /// Also follow links that lead out of a directory.
    pub follow_links: bool,
    /// Sign the dataset with this key.
    pub sign_with: Option<KeyPair>,
    /// Infer column types of text from all rows instead of the first ones.
    pub full_schema: bool,
}

impl IndexOptions {
    /// Creates options for a dataset with this name.
    pub fn named(name: DatasetName) -> Self {
        Self {
            name: Some(name),
            ..Self::default()
        }
    }

    /// Creates options for a dataset that this key signs.
    pub fn signed_with(key: KeyPair) -> Self {
        Self {
            sign_with: Some(key),
            ..Self::default()
        }
    }
}

/// Result of an index.
#[derive(Clone, Debug)]
pub struct IndexReport {
    /// The winning manifest.
    pub manifest: Manifest,
    /// Number of chunks of its tree. It is 0 if no file was read.
    pub chunks: u64,
    /// Statistics of the written data.
    pub stats: SessionStats,
    /// True if this content already had this name.
    pub unchanged: bool,
    /// Metadata inherited from the version before, if any.
    pub inherited: Option<Inherited>,
    /// For content that was already held: the metadata in the options that its manifest does not
    /// have. [`Descriptions::revise`](crate::registry::Descriptions::revise) publishes it, and may need a key.
    pub revision: Option<(Dataset, Edit)>,
    /// Skipped files and directories.
    pub skipped: Vec<Skipped>,
    /// Indexed files that look like secrets.
    pub warnings: Vec<SecretWarning>,
    /// Source of the column types; `None` if no file was read.
    pub schema_from: Option<SchemaFrom>,
    /// True if `full_schema` was set, but the content was already held with other types, which
    /// stay.
    pub schema_kept: bool,
}
