//! Errors of requests at a door.

use hyper::StatusCode;

use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::error_kind::message_with_causes;
use crate::registry::DatasetError;
use crate::registry::Error;

/// A request that gets no answer of the kind that it asked for. The text is for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DoorError {
    /// Nothing is there, as far as this visitor may know.
    NotFound(String),
    /// A token does not permit it.
    Forbidden(String),
    /// A token is missing or unknown.
    Unauthorized(String),
    /// The request makes no sense.
    Invalid(String),
    /// The request is beyond a limit.
    TooLarge(String),
    /// A budget is spent.
    Busy(String),
    /// This side failed.
    Failed(ErrorKind, String),
}

impl DoorError {
    /// Returns the status of HTTP.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed(ErrorKind::NoSpace, _) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Failed(..) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the text for the client.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::NotFound(text)
            | Self::Forbidden(text)
            | Self::Unauthorized(text)
            | Self::Invalid(text)
            | Self::TooLarge(text)
            | Self::Busy(text)
            | Self::Failed(_, text) => text,
        }
    }

    /// Work of this side ended by a panic.
    pub(super) fn panicked() -> Self {
        Self::Failed(
            ErrorKind::Io,
            "the server failed at this request".to_owned(),
        )
    }
}

impl From<Error> for DoorError {
    fn from(error: Error) -> Self {
        let text = message_with_causes(&error);
        match error {
            Error::Dataset(DatasetError::NotFound(_) | DatasetError::NoSuchFile { .. }) => {
                Self::NotFound(text)
            }
            other => Self::Failed(other.kind(), text),
        }
    }
}

impl From<std::io::Error> for DoorError {
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::InvalidData => ErrorKind::Integrity,
            _ => ErrorKind::of_io(&error),
        };
        Self::Failed(kind, error.to_string())
    }
}
