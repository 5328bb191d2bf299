//! Makers of sources.

use crate::error_kind::ErrorKind;
use crate::features::config::SourceConfig;
use crate::features::error::FeatureError;
use crate::features::source::PartitionSource;
use crate::features::source::Sources;
use crate::features::source::local::LocalSource;

/// Directories alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalSources;

impl Sources for LocalSources {
    fn source(&self, config: &SourceConfig) -> Result<Box<dyn PartitionSource>, FeatureError> {
        match config {
            SourceConfig::Local { path } => Ok(Box::new(LocalSource::new(path))),
            SourceConfig::S3 { bucket, .. } => Err(unknown(bucket, "buckets are not read here")),
            SourceConfig::Registry { name, .. } => {
                Err(unknown(name, "there is no registry to read it from"))
            }
        }
    }
}

fn unknown(place: &str, why: &str) -> FeatureError {
    FeatureError::Source {
        place: place.to_owned(),
        why: why.to_owned(),
        kind: ErrorKind::Unsupported,
    }
}

/// Directories and buckets. A source that names an endpoint or a region has them in place of those of the reader.
#[cfg(feature = "registry")]
#[derive(Clone, Debug)]
pub struct FileSources {
    remote: crate::remote::Remote,
}

#[cfg(feature = "registry")]
impl FileSources {
    /// Takes a reader of buckets, with the keys of the user.
    pub fn new(remote: crate::remote::Remote) -> Self {
        Self { remote }
    }
}

#[cfg(feature = "registry")]
impl Sources for FileSources {
    fn source(&self, config: &SourceConfig) -> Result<Box<dyn PartitionSource>, FeatureError> {
        match config {
            SourceConfig::S3 {
                bucket,
                prefix,
                endpoint,
                region,
            } => {
                let remote = self.remote.at_s3(endpoint.as_deref(), region.as_deref());
                let source = crate::features::source::s3::S3Source::new(remote, bucket, prefix)?;
                Ok(Box::new(source))
            }
            other => LocalSources.source(other),
        }
    }
}
