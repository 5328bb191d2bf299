//! URLs of objects: `s3://BUCKET[/KEY]`.

use std::fmt;

use crate::remote::error::RemoteError;

/// Bytes of a key.
const KEY_BYTES_MAX: usize = 1024;

/// An object of a bucket, or all objects whose keys begin with a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Url {
    bucket: String,
    key: String,
}

impl S3Url {
    /// Parses the text behind `s3://`. The key is taken as it is, without percent-decoding.
    pub(super) fn parse(rest: &str) -> Result<Self, RemoteError> {
        let fail = |why: &str| RemoteError::url(format!("s3://{rest}"), why);
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if !is_bucket(bucket) {
            return Err(fail("names no bucket: `s3://BUCKET/KEY`"));
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(fail("has a key of more than 1024 bytes"));
        }
        if key.chars().any(char::is_control) {
            return Err(fail("has a control character in its key"));
        }
        if key.split('/').any(|part| matches!(part, "." | "..")) {
            // Clients and proxies rewrite such paths, so that signatures do not fit.
            return Err(fail("has a key with a part `.` or `..`"));
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Returns the name of the bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Returns the key, or the prefix; empty for the whole bucket.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns true if the URL says that it is a prefix: the bucket, or a key with a slash at its end.
    pub fn is_prefix(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }

    /// Returns another object of the bucket.
    #[must_use]
    pub fn at_key(&self, key: &str) -> Self {
        Self {
            bucket: self.bucket.clone(),
            key: key.to_owned(),
        }
    }
}

impl fmt::Display for S3Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// Returns true for a bucket's name, by the rules of today and those of old buckets.
fn is_bucket(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    (3..=255).contains(&text.len())
        && text.bytes().all(is_part)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.contains("..")
}
