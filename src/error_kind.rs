//! Error kinds: the closed list that maps every error of the crate to an exit code.
//! Messages are the business of each module's own errors.

/// Returns the message of an error, followed by those of its causes. A cause that its error quotes is not repeated.
pub fn message_with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}

/// The kind of failure. Every error of this crate has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The name fits more than one thing.
    Ambiguous,
    /// The request contradicts the present state.
    Conflict,
    /// The publisher or peer is not trusted, or access is refused.
    Denied,
    /// Bytes do not match their hash, checksum or signature.
    Integrity,
    /// The caller stopped the work before its end.
    Interrupted,
    /// The request itself is malformed.
    Invalid,
    /// The operating system refused or failed.
    Io,
    /// A peer or the network failed.
    Network,
    /// The device is full.
    NoSpace,
    /// The name fits nothing.
    NotFound,
    /// Some items succeeded and some failed.
    Partial,
    /// A newer version, or an unknown feature of the format, wrote the data.
    Unsupported,
}

impl ErrorKind {
    /// Returns the name in JSON error objects.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ambiguous => "ambiguous",
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Integrity => "integrity",
            Self::Interrupted => "interrupted",
            Self::Invalid => "invalid",
            Self::Io => "io",
            Self::Network => "network",
            Self::NoSpace => "no_space",
            Self::NotFound => "not_found",
            Self::Partial => "partial",
            Self::Unsupported => "unsupported",
        }
    }

    /// Returns the kind of an operating-system error.
    pub fn of_io(error: &std::io::Error) -> Self {
        if error.get_ref().is_some_and(|inner| inner.is::<Stopped>()) {
            return Self::Interrupted;
        }
        if let Some(kinded) = error
            .get_ref()
            .and_then(|e| e.downcast_ref::<KindedError>())
        {
            return kinded.kind;
        }
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::NoSpace,
            std::io::ErrorKind::Interrupted => Self::Interrupted,
            _ => Self::Io,
        }
    }
}

/// The process was asked to stop while it waited for another program.
/// It is an error of its own because readers retry after [`std::io::ErrorKind::Interrupted`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Stopped;

/// An error of reading that knows its kind, inside of a [`std::io::Error`].
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct KindedError {
    kind: ErrorKind,
    message: String,
}

impl KindedError {
    /// Returns an error with this kind and message.
    pub fn new(kind: ErrorKind, message: String) -> Self {
        Self { kind, message }
    }
}

/// An error with an [`ErrorKind`]. Every error of this crate implements it.
pub trait Classify {
    /// Returns the kind of this error.
    fn kind(&self) -> ErrorKind;
}
