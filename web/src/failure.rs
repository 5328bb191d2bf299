//! Failures: the kind, the message and the hint that a page shows.

use alimentar::archive::ArchiveError;
use alimentar::archive_check::CheckError;
use alimentar::error_kind::Classify;
use alimentar::error_kind::ErrorKind;
use alimentar::error_kind::message_with_causes;
use alimentar::ident::IdentError;
use alimentar::inspect::search::PatternError;
use alimentar::inspect::table::TableError;
use alimentar::manifest::ManifestError;
use alimentar::manifest::PathError;
use alimentar::trust::StatementError;
use alimentar::trust::TrustFileError;
use serde::Serialize;

/// A failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The kind, by the name that the command line gives it.
    pub kind: &'static str,
    /// The message, with its causes.
    pub message: String,
    /// The next step, if one is known.
    pub hint: Option<String>,
}

impl Failure {
    /// Makes a failure without a hint.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind: kind.name(),
            message: message.into(),
            hint: None,
        }
    }

    /// Makes a failure of a request that cannot be met.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Adds the next step.
    #[must_use]
    pub fn with_hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }

    fn of<E: Classify + std::error::Error>(error: &E) -> Self {
        Self::new(error.kind(), message_with_causes(error))
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        Self {
            hint: error.hint().map(str::to_owned),
            ..Self::of(&error)
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::invalid(format!("the request is not as it should be: {error}"))
    }
}

impl From<IdentError> for Failure {
    fn from(error: IdentError) -> Self {
        Self::invalid(message_with_causes(&error))
    }
}

impl From<PathError> for Failure {
    fn from(error: PathError) -> Self {
        Self::invalid(message_with_causes(&error))
    }
}

macro_rules! from_classified {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::of(&error)
            }
        })*
    };
}

from_classified!(
    ArchiveError,
    ManifestError,
    PatternError,
    StatementError,
    TableError,
    TrustFileError
);
