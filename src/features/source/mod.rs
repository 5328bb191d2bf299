//! Partitions of a source.
//!
//! - `partition.rs`: files of a source as partitions, pure; `local.rs`: directories; `s3.rs`: buckets
//! - `makers.rs`: what a program can reach

mod local;
mod makers;
pub(crate) mod partition;
#[cfg(feature = "registry")]
mod s3;
#[cfg(test)]
mod tests;

#[cfg(feature = "registry")]
pub use crate::features::source::makers::FileSources;
pub use crate::features::source::makers::LocalSources;

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

/// The partitions of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// Those that are complete, the newest first.
    pub partitions: Vec<Partition>,
    /// The names of the others, the newest first, each with the reason why it does not count.
    pub others: Vec<(String, String)>,
}

/// A place with partitions.
pub trait PartitionSource: Send + Sync {
    /// Returns the place, for messages.
    fn place(&self) -> String;

    /// Lists the partitions. A place without any is no error.
    ///
    /// # Errors
    /// [`FeatureError::NoPartition`] for a place that does not exist; [`FeatureError::Source`].
    fn partitions(&self) -> Result<Listing, FeatureError>;

    /// Opens the files of a partition.
    ///
    /// # Errors
    /// [`FeatureError::Source`], also if a file is no longer what was listed.
    fn open(&self, partition: &Partition) -> Result<Vec<BuildInput>, FeatureError>;

    /// Returns an error if a file is no longer what was listed, after all of them were read. Sources whose readers
    /// notice a change of a file need no second look.
    ///
    /// # Errors
    /// As [`PartitionSource::open`].
    fn check(&self, _partition: &Partition) -> Result<(), FeatureError> {
        Ok(())
    }
}

/// Maker of sources: what a program can reach.
pub trait Sources: Send + Sync {
    /// Makes a source. It does not look at it yet.
    ///
    /// # Errors
    /// [`FeatureError::Source`] for a kind of source that is not there.
    fn source(&self, config: &SourceConfig) -> Result<Box<dyn PartitionSource>, FeatureError>;
}
