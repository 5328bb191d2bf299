//! Partitions of a source.

use crate::features::build::BuildInput;
use crate::features::config::SourceConfig;
use crate::features::error::FeatureError;

/// A partition that is complete by its marker, or a version of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Partition {
    /// The name: a date, or a version.
    pub name: String,
    /// The files, sorted by path.
    pub files: Vec<PartitionFile>,
    /// The content id of the dataset.
    pub content_id: Option<String>,
    /// The public key of its publisher, in hex.
    pub publisher: Option<String>,
}

/// A file of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionFile {
    /// The path below the source.
    pub path: String,
    /// The length in bytes.
    pub size_bytes: u64,
    /// Text that changes when the bytes do: an ETag, a content id, a time with the number of the file.
    pub validator: String,
}

/// A place with partitions.
pub trait PartitionSource: Send + Sync {
    /// Returns the place, for messages.
    fn place(&self) -> String;

    /// Lists the complete partitions, the newest first, and says why others are not.
    ///
    /// # Errors
    /// [`FeatureError::NoPartition`]; [`FeatureError::Source`].
    fn partitions(&self) -> Result<Vec<Partition>, FeatureError>;

    /// Opens the files of a partition.
    ///
    /// # Errors
    /// [`FeatureError::Source`], also if a file is no longer what was listed.
    fn open(&self, partition: &Partition) -> Result<Vec<BuildInput>, FeatureError>;
}

/// Maker of sources: what a program can reach.
pub trait Sources: Send + Sync {
    /// Makes a source. It does not look at it yet.
    ///
    /// # Errors
    /// [`FeatureError::Source`] for a kind of source that is not there.
    fn source(&self, config: &SourceConfig) -> Result<Box<dyn PartitionSource>, FeatureError>;
}
