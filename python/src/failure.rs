//! Errors, which become Python exceptions of `alimentar._errors`.

use std::borrow::Cow;

use alimentar::documents::DocumentError;
use alimentar::error_kind::Classify;
use alimentar::error_kind::ErrorKind;
use alimentar::error_kind::message_with_causes;
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

    /// Returns the error of a read of a file of a dataset. Damage is told by the kind of the error.
    pub(crate) fn of_reading(error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::InvalidData => ErrorKind::Integrity,
            _ => ErrorKind::of_io(error),
        };
        Self::new(kind, error.to_string())
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
        Self {
            kind,
            message: message_with_causes(&error),
            hint: hint_of(&error).map(Cow::into_owned),
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

/// Returns advice for an error. Where that of the program names one of its options, it is that of a variable.
fn hint_of(error: &Error) -> Option<Cow<'static, str>> {
    match error {
        Error::Offline(_) | Error::Remote(RemoteError::Offline(_)) => Some(Cow::Borrowed(
            "unset ALIMENTAR_OFFLINE and HF_HUB_OFFLINE to allow connections",
        )),
        other => other.hint(),
    }
}
