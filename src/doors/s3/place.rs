//! The bucket and the key of a request's path. Buckets stand in the path, never in the name of the host.

use crate::doors::s3::errors::Code;
use crate::doors::s3::errors::S3Error;
use crate::remote::percent_decoded;

/// The one bucket.
pub(super) const BUCKET: &str = "datasets";

/// The resource that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// All buckets.
    Service,
    /// The one bucket.
    Bucket,
    /// A key in it.
    Object(String),
}

impl Place {
    /// Reads the path as it was sent. An encoded `/` in a key is a `/` of the key.
    ///
    /// # Errors
    /// [`Code::NoSuchBucket`], and [`Code::InvalidUri`] for a path that is no UTF-8.
    pub(super) fn of(raw_path: &str) -> Result<Self, S3Error> {
        let path = raw_path.strip_prefix('/').unwrap_or(raw_path);
        if path.is_empty() {
            return Ok(Self::Service);
        }
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let decoded = |raw: &str| {
            let text = String::from_utf8(percent_decoded(raw));
            text.map_err(|_| S3Error::of(Code::InvalidUri))
        };
        let bucket = decoded(bucket)?;
        if bucket != BUCKET {
            return Err(S3Error::of(Code::NoSuchBucket).with("BucketName", bucket));
        }
        Ok(match key {
            "" => Self::Bucket,
            key => Self::Object(decoded(key)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_names_service_bucket_or_key() {
        assert_eq!(Place::of("/").unwrap(), Place::Service);
        assert_eq!(Place::of("/datasets").unwrap(), Place::Bucket);
        assert_eq!(Place::of("/datasets/").unwrap(), Place::Bucket);
        let key = |path: &str| match Place::of(path).unwrap() {
            Place::Object(key) => key,
            other => panic!("{path}: {other:?}"),
        };
        assert_eq!(key("/datasets/lab/a%401.0.0/x%20+y"), "lab/a@1.0.0/x +y");
        assert_eq!(key("/datasets/lab%2Fa@1/b//c/"), "lab/a@1/b//c/");
    }

    #[test]
    fn path_of_another_bucket_is_refused() {
        for path in ["/other", "/other/key", "//datasets/key", "/Datasets/key"] {
            assert_eq!(
                Place::of(path).unwrap_err().code,
                Code::NoSuchBucket,
                "{path}"
            );
        }
        assert_eq!(
            Place::of("/datasets/%FF").unwrap_err().code,
            Code::InvalidUri
        );
    }
}
