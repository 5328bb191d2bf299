//! Errors of manifests, and the version that this program reads.

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;

/// Failure to read or write a manifest.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The bytes are not the JSON object of a manifest.
    #[error("the manifest is not valid JSON of a manifest")]
    Json(#[source] serde_json::Error),
    /// The version is unknown to this program.
    #[error("the manifest has version {0}; this program reads version {MANIFEST_VERSION}")]
    Version(u32),
    /// A field's text is malformed.
    #[error("the manifest's field `{0}` is malformed")]
    Field(&'static str),
    /// A field is over its limit.
    #[error("the manifest's field `{0}` is too long")]
    Limit(&'static str),
    /// A field to write is over its limit.
    #[error("{field} may have at most {most} (`{limit}`)")]
    Beyond {
        /// The field.
        field: &'static str,
        /// Its limit, in words.
        most: String,
        /// The name of the limit.
        limit: &'static str,
    },
}

impl Classify for ManifestError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Json(_) | Self::Field(_) | Self::Limit(_) => ErrorKind::Integrity,
            Self::Version(_) => ErrorKind::Unsupported,
            Self::Beyond { .. } => ErrorKind::Invalid,
        }
    }
}

/// The manifest version of this program.
pub const MANIFEST_VERSION: u32 = 1;
