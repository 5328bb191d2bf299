//! Errors, which become Python exceptions of `alimentar._errors`.

use std::error::Error as _;

use alimentar::documents::DocumentError;
use alimentar::error_kind::Classify;
use alimentar::error_kind::ErrorKind;
use alimentar::features::FeatureError;
use alimentar::ident::IdentError;
use alimentar::registry::Error;
use alimentar::remote::RemoteError;
use pyo3::prelude::*;

/// An error with its kind, a message and advice.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// Returns an error without advice.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
        }
    }

    /// Returns the error for an argument that makes no sense.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Adds advice.
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        let hint = hint_of(&error).or_else(|| hint_of_kind(kind));
        Self {
            kind,
            message: chain(&error),
            hint: hint.map(str::to_owned),
        }
    }
}

impl From<IdentError> for Failure {
    fn from(error: IdentError) -> Self {
        Error::from(error).into()
    }
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        Error::from(error).into()
    }
}

impl From<FeatureError> for Failure {
    fn from(error: FeatureError) -> Self {
        Error::from(error).into()
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        Error::from(error).into()
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        Python::attach(|py| match exception(py, &failure) {
            Ok(exception) => PyErr::from_value(exception),
            Err(error) => error,
        })
    }
}

/// Returns the exception for an error.
fn exception<'py>(py: Python<'py>, failure: &Failure) -> PyResult<Bound<'py, PyAny>> {
    let make = py.import("alimentar._errors")?.getattr("make")?;
    make.call1((
        failure.kind.name(),
        &failure.message,
        failure.hint.as_deref(),
    ))
}

/// Returns the message of an error and of its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}

/// Returns advice for an error. Commands in it are those of the program.
fn hint_of(error: &Error) -> Option<&'static str> {
    match error {
        Error::Source(e) => e.hint(),
        Error::Target(e) => e.hint(),
        Error::Checkout(e) => Some(e.hint()),
        Error::Dataset(e) => e.hint(),
        Error::Integrity(e) => e.hint(),
        Error::Transfer(e) => e.hint(),
        Error::Publisher(e) => e.hint(),
        Error::Node(e) => e.hint(),
        Error::Intake(e) => Some(e.hint()),
        Error::Offline(_) | Error::Remote(RemoteError::Offline(_)) => {
            Some("unset ALIMENTAR_OFFLINE and HF_HUB_OFFLINE to allow connections")
        }
        Error::Remote(RemoteError::Denied { .. }) => Some(
            "HF_TOKEN is for hf://, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3://, https://USER:PASSWORD@HOST/ for others",
        ),
        Error::Remote(RemoteError::Changed(_)) => Some("open it again: it has a new state"),
        _ => None,
    }
}

/// Returns advice for all errors of a kind.
fn hint_of_kind(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Ambiguous => Some("give the version, or more digits of the content id"),
        ErrorKind::Integrity => Some("`alimentar registry fsck --repair` says what is damaged"),
        ErrorKind::NoSpace => Some("make room and run it again; what was stored is kept"),
        ErrorKind::Network => Some("what was received is kept: try again"),
        ErrorKind::Denied => Some(
            "`alimentar registry trust list` shows who is trusted; `trust add NAME KEY` adds a publisher whose key you have checked",
        ),
        _ => None,
    }
}
