//! The reason of an answer that is an error.

use hyper::StatusCode;

use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::error_kind::message_with_causes;
use crate::features::FeatureError;

/// The reason of an answer that is an error.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message }
    }

    /// A request that makes no sense.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// A budget that is spent.
    pub(super) fn busy(message: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the server failed at this request",
        )
    }
}

impl From<FeatureError> for Refusal {
    fn from(error: FeatureError) -> Self {
        let status = match &error {
            FeatureError::NoTable(_) => StatusCode::NOT_FOUND,
            FeatureError::NoData { .. } | FeatureError::NoPartition { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            FeatureError::TableExists(_) => StatusCode::CONFLICT,
            FeatureError::ReadOnly(_) => StatusCode::FORBIDDEN,
            FeatureError::Limit { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            FeatureError::NoColumn { .. }
            | FeatureError::Request(_)
            | FeatureError::Schema(_)
            | FeatureError::Mismatch { .. } => StatusCode::BAD_REQUEST,
            FeatureError::Source { .. } => StatusCode::BAD_GATEWAY,
            other if other.kind() == ErrorKind::NoSpace => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, message_with_causes(&error))
    }
}
