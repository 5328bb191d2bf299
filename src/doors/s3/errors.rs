//! Errors of S3: codes, statuses, messages.

use hyper::StatusCode;

use crate::doors::error::DoorError;

/// The code of an error, by which clients decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    AccessDenied,
    AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError,
    InternalError,
    InvalidAccessKeyId,
    InvalidArgument,
    InvalidPartNumber,
    InvalidRange,
    InvalidRequest,
    InvalidToken,
    InvalidUri,
    MethodNotAllowed,
    NoSuchBucket,
    NoSuchKey,
    NotImplemented,
    PreconditionFailed,
    RequestTimeTooSkewed,
    SignatureDoesNotMatch,
    SlowDown,
    XAmzContentSha256Mismatch,
}

impl Code {
    /// Returns the text, the status and a message.
    const fn facts(self) -> (&'static str, StatusCode, &'static str) {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        const DENIED: StatusCode = StatusCode::FORBIDDEN;
        match self {
            Self::AccessDenied => ("AccessDenied", DENIED, "access is denied"),
            Self::AuthorizationHeaderMalformed => (
                "AuthorizationHeaderMalformed",
                BAD,
                "the header Authorization is malformed",
            ),
            Self::AuthorizationQueryParametersError => (
                "AuthorizationQueryParametersError",
                BAD,
                "the parameters of the signature are malformed",
            ),
            Self::InternalError => (
                "InternalError",
                StatusCode::INTERNAL_SERVER_ERROR,
                "the server failed at this request",
            ),
            Self::InvalidAccessKeyId => (
                "InvalidAccessKeyId",
                DENIED,
                "the access key is unknown or revoked",
            ),
            Self::InvalidArgument => ("InvalidArgument", BAD, "an argument is invalid"),
            Self::InvalidPartNumber => (
                "InvalidPartNumber",
                StatusCode::RANGE_NOT_SATISFIABLE,
                "the object has one part",
            ),
            Self::InvalidRange => (
                "InvalidRange",
                StatusCode::RANGE_NOT_SATISFIABLE,
                "the range is beyond the object",
            ),
            Self::InvalidRequest => ("InvalidRequest", BAD, "the request is invalid"),
            Self::InvalidToken => (
                "InvalidToken",
                BAD,
                "keys of this server have no session token",
            ),
            Self::InvalidUri => ("InvalidURI", BAD, "the path cannot be decoded"),
            Self::MethodNotAllowed => (
                "MethodNotAllowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "the resource has no such method",
            ),
            Self::NoSuchBucket => (
                "NoSuchBucket",
                StatusCode::NOT_FOUND,
                "the bucket does not exist; the one here is `datasets`",
            ),
            Self::NoSuchKey => ("NoSuchKey", StatusCode::NOT_FOUND, "the key does not exist"),
            Self::NotImplemented => (
                "NotImplemented",
                StatusCode::NOT_IMPLEMENTED,
                "this is not implemented here",
            ),
            Self::PreconditionFailed => (
                "PreconditionFailed",
                StatusCode::PRECONDITION_FAILED,
                "a condition of the request does not hold",
            ),
            Self::RequestTimeTooSkewed => (
                "RequestTimeTooSkewed",
                DENIED,
                "the time of the request is too far from the time of the server",
            ),
            Self::SignatureDoesNotMatch => (
                "SignatureDoesNotMatch",
                DENIED,
                "the signature is not that of this request with this key",
            ),
            Self::SlowDown => (
                "SlowDown",
                StatusCode::SERVICE_UNAVAILABLE,
                "the server is busy",
            ),
            Self::XAmzContentSha256Mismatch => (
                "XAmzContentSHA256Mismatch",
                BAD,
                "the request has no body, and its hash says otherwise",
            ),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        self.facts().0
    }

    pub(super) const fn status(self) -> StatusCode {
        self.facts().1
    }
}

/// An error that a client of S3 understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct S3Error {
    pub(super) code: Code,
    pub(super) message: String,
    /// Further elements: names and texts.
    pub(super) details: Vec<(&'static str, String)>,
}

impl S3Error {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: Vec::new(),
        }
    }

    /// An error with the usual message of its code.
    pub(super) fn of(code: Code) -> Self {
        Self::new(code, code.facts().2)
    }

    /// An argument that makes no sense.
    pub(super) fn argument(name: &str, value: &str, message: &str) -> Self {
        Self::new(Code::InvalidArgument, message)
            .with("ArgumentName", name)
            .with("ArgumentValue", value)
    }

    pub(super) fn with(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.details.push((name, text.into()));
        self
    }
}

impl From<DoorError> for S3Error {
    fn from(error: DoorError) -> Self {
        let code = match &error {
            DoorError::NotFound(_) => Code::NoSuchKey,
            DoorError::Forbidden(_) | DoorError::Unauthorized(_) => Code::AccessDenied,
            DoorError::Invalid(_) => Code::InvalidArgument,
            DoorError::TooLarge(_) => Code::InvalidRequest,
            DoorError::Busy(_) => Code::SlowDown,
            DoorError::Failed(..) => Code::InternalError,
        };
        Self::new(code, error.message())
    }
}
