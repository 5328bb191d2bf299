//! Errors of reading from elsewhere. A URL in a message is without its user, password and query.

use std::io;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::error_kind::KindedError;

/// Reason that something from elsewhere cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The text is not a URL that is read here.
    #[error("`{text}` {reason}")]
    Url {
        /// The text, without secrets.
        text: String,
        /// The fault, as the rest of a sentence.
        reason: String,
    },
    /// A connection would be needed, and connections are forbidden.
    #[error("`{0}` needs a connection, and this is offline")]
    Offline(String),
    /// The server has no such thing.
    #[error("there is no `{0}`")]
    NotFound(String),
    /// The server refuses access.
    #[error("`{url}` is refused (HTTP {status}){detail}")]
    Denied {
        /// The URL.
        url: String,
        /// The status.
        status: u16,
        /// More about it, with a leading separator; or empty.
        detail: String,
    },
    /// The server answered with a status that does not help.
    #[error("`{url}` answers HTTP {status}{detail}")]
    Status {
        /// The URL.
        url: String,
        /// The status.
        status: u16,
        /// More about it, with a leading separator; or empty.
        detail: String,
    },
    /// The connection failed.
    #[error("cannot reach `{url}`: {reason}")]
    Connection {
        /// The URL.
        url: String,
        /// The cause.
        reason: String,
    },
    /// The server sent nothing for too long, or the answer took too long as a whole.
    #[error("`{url}` takes too long: {reason}")]
    Slow {
        /// The URL.
        url: String,
        /// The deadline that passed.
        reason: String,
    },
    /// The file is no longer the one that was opened.
    #[error("`{0}` changed while it was being read")]
    Changed(String),
    /// The answer violates the protocol.
    #[error("`{url}` answers wrongly: {reason}")]
    Answer {
        /// The URL.
        url: String,
        /// The fault.
        reason: String,
    },
    /// A redirect is not followed.
    #[error("`{url}` redirects {reason}")]
    Redirect {
        /// The URL.
        url: String,
        /// The fault, as the rest of a sentence.
        reason: String,
    },
    /// A limit of the program is exceeded.
    #[error("`{url}` is beyond a limit: {limit}")]
    Limit {
        /// The URL.
        url: String,
        /// The limit, with its name.
        limit: String,
    },
    /// A file of this machine cannot be written or read.
    #[error("cannot {task}: {reason}")]
    Local {
        /// The task.
        task: &'static str,
        /// The cause.
        reason: String,
        /// The kind of the cause.
        kind: ErrorKind,
    },
    /// The reader has gone; nobody needs the answer.
    #[error("interrupted")]
    Interrupted,
}

impl RemoteError {
    /// Returns an error about a URL's text.
    pub(crate) fn url(text: impl Into<String>, reason: impl Into<String>) -> Self {
        let (text, reason) = (text.into(), reason.into());
        Self::Url { text, reason }
    }

    /// Returns an error about an answer that violates the protocol.
    pub(crate) fn answer(url: &str, reason: impl Into<String>) -> Self {
        Self::Answer {
            url: url.to_owned(),
            reason: reason.into(),
        }
    }

    /// Converts to an error of reading that keeps the kind.
    pub fn into_io(self) -> io::Error {
        let kind = self.kind();
        io::Error::other(KindedError::new(kind, self.to_string()))
    }
}

impl Classify for RemoteError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Url { .. } => ErrorKind::Invalid,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Denied { .. } => ErrorKind::Denied,
            Self::Changed(_) => ErrorKind::Integrity,
            Self::Limit { .. } => ErrorKind::Unsupported,
            Self::Interrupted => ErrorKind::Interrupted,
            Self::Local { kind, .. } => *kind,
            Self::Offline(_)
            | Self::Status { .. }
            | Self::Connection { .. }
            | Self::Slow { .. }
            | Self::Answer { .. }
            | Self::Redirect { .. } => ErrorKind::Network,
        }
    }
}
