//! The closed list of error kinds: the one bridge from every error in the crate to exit codes
//! and, later, to protocol status codes. Not for messages: those belong to each module's errors.

/// What kind of failure an error is. Every error of this crate answers with exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// More than one thing fits what was named.
    Ambiguous,
    /// The request contradicts what is already there.
    Conflict,
    /// Not trusted, or not allowed.
    Denied,
    /// Bytes are not what their hash, checksum or signature says.
    Integrity,
    /// Stopped on request before the end.
    Interrupted,
    /// The request itself is malformed.
    Invalid,
    /// The operating system refused or failed.
    Io,
    /// A peer or the network failed.
    Network,
    /// The device is full.
    NoSpace,
    /// Nothing fits what was named.
    NotFound,
    /// Some items were done and some failed.
    Partial,
    /// Written by a newer version, or in a way this version does not know.
    Unsupported,
}

impl ErrorKind {
    /// The name in JSON error objects.
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

    /// The kind of an operating-system error.
    pub fn of_io(error: &std::io::Error) -> Self {
        if error.get_ref().is_some_and(|inner| inner.is::<Stopped>()) {
            return Self::Interrupted;
        }
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::NoSpace,
            std::io::ErrorKind::Interrupted => Self::Interrupted,
            _ => Self::Io,
        }
    }
}

/// The process was asked to stop while it waited for another program. It is an error of its own
/// because readers begin again after [`std::io::ErrorKind::Interrupted`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Stopped;

/// Implemented by every error of this crate.
pub trait Classify {
    /// The kind of this error.
    fn kind(&self) -> ErrorKind;
}
