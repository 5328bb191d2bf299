//! The trait of a transport: one request, one answer, no redirects and no retries. `net` implements it.

use std::fmt;
use std::io;
use std::io::Read;
use std::time::Duration;

use url::Url;

/// Method of a request. All of them may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The resource.
    Get,
    /// The headers of the resource alone.
    Head,
}

/// One request.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The URL, without a user and password.
    pub url: Url,
    /// Headers besides those of every request, by lower-case names. Values may be secrets.
    pub headers: Vec<(&'static str, String)>,
    /// Time without a byte after which the request fails.
    pub stall_timeout: Duration,
    /// Time for the whole answer.
    pub total_timeout: Duration,
}

impl fmt::Debug for Request {
    /// Shows the names of headers, and no values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        write!(f, "{:?} {} {names:?}", self.method, self.url.path())
    }
}

/// One answer.
pub struct Response {
    /// The status.
    pub status: u16,
    /// Its headers by lower-case names; several of one name in order.
    pub headers: Vec<(String, String)>,
    /// Its body. Reading it ends with an error when a deadline passes.
    pub body: Box<dyn Read + Send>,
}

impl Response {
    /// Returns the first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Reason that there is no answer, or that its body ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The server cannot be reached, or the connection broke. Another try may help.
    #[error("{0}")]
    Broken(String),
    /// The other side is not who it should be, or speaks another protocol. Trying again does not help.
    #[error("{0}")]
    Refused(String),
    /// A deadline passed.
    #[error("{0}")]
    TimedOut(String),
}

impl TransportError {
    /// Converts to an error of reading a body. [`TransportError::of_body`] finds it again.
    pub fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    /// Returns the reason that reading a body failed.
    pub fn of_body(error: &io::Error) -> Self {
        let own = error.get_ref().and_then(|e| e.downcast_ref::<Self>());
        own.cloned()
            .unwrap_or_else(|| Self::Broken(error.to_string()))
    }
}

/// A client of HTTP that blocks. It decodes no content, follows no redirect and repeats nothing.
pub trait Transport: Send + Sync {
    /// Sends a request, and returns the answer when its headers are here.
    ///
    /// # Errors
    /// [`TransportError`] when there is no answer.
    fn send(&self, request: &Request) -> Result<Response, TransportError>;
}
