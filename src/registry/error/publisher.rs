//! Errors of publishers and the trust settings.

use crate::ident::PublisherKey;
use crate::trust::TrustFileError;
use std::borrow::Cow;
use std::path::PathBuf;
use thiserror::Error as ThisError;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;

/// Reason that the trust settings refuse an operation.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum PublisherError {
    /// `trust.toml` cannot be parsed.
    #[error("cannot use `{}`", path.display())]
    TrustFile {
        /// The path.
        path: PathBuf,
        /// The cause.
        source: TrustFileError,
    },
    /// The trust settings do not admit the dataset.
    #[error("`{dataset}`: {reason}")]
    NotTrusted {
        /// The dataset.
        dataset: String,
        /// The reason.
        reason: Cow<'static, str>,
    },
    /// A rotation replaced the key.
    #[error("the key {key} signs no more: `{name}` has the key {by} since a rotation")]
    Superseded {
        /// The publisher's local name.
        name: String,
        /// The given key.
        key: PublisherKey,
        /// The key that replaced it.
        by: PublisherKey,
    },
    /// No publisher has this name.
    #[error("no publisher `{0}` in trust.toml")]
    NoPublisher(String),
    /// Only the dataset's publisher may make this change.
    #[error("`{0}` is not signed with this key")]
    NotItsPublisher(String),
}

impl PublisherError {
    /// Returns advice for the user.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Superseded { .. } => {
                "sign with the new key: without --key, key.enc in the registry's directory is used; `registry trust rotate NAME --new` puts it there"
            }
            Self::NotItsPublisher(_) => {
                "only who signed it may say this of it; --key names another key file"
            }
            Self::NoPublisher(_) => "`alimentar registry trust list` shows who is known here",
            Self::TrustFile { .. } | Self::NotTrusted { .. } => return None,
        })
    }
}

impl Classify for PublisherError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TrustFile { source, .. } => source.kind(),
            Self::NoPublisher(_) => ErrorKind::NotFound,
            Self::NotTrusted { .. } | Self::Superseded { .. } | Self::NotItsPublisher(_) => {
                ErrorKind::Denied
            }
        }
    }
}
