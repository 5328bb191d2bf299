//! The body of an answer: bounded, counted, and never slower than a limit.

use std::io::Read;
use std::sync::Arc;
use std::time::Instant;

use crate::remote::client::Client;
use crate::remote::error::RemoteError;
use crate::remote::limits::ANSWER_TIMEOUT;
use crate::remote::limits::SLOWEST_BYTES_PER_SECOND;
use crate::remote::permits::Permit;
use crate::remote::transport::TransportError;

/// The body of an answer.
pub(crate) struct Body {
    pub(super) client: Arc<Client>,
    pub(super) inner: Box<dyn Read + Send>,
    pub(super) shown: String,
    pub(super) started: Instant,
    pub(super) received: u64,
    /// Held until the body is dropped.
    pub(super) _permit: Permit,
}

/// Reason that a body ended early.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The connection broke; the rest may be asked for again.
    Broken(RemoteError),
    /// Asking again does not help.
    Final(RemoteError),
}

impl BodyError {
    pub(crate) fn into_error(self) -> RemoteError {
        match self {
            Self::Broken(error) | Self::Final(error) => error,
        }
    }
}

impl Body {
    /// Reads some bytes; 0 at the end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, BodyError> {
        if (self.client.settings.is_stopped)() {
            return Err(BodyError::Final(RemoteError::Interrupted));
        }
        let read = self.inner.read(buffer);
        let n = read.map_err(|e| {
            let error = TransportError::of_body(&e);
            let is_final = matches!(error, TransportError::Refused(_));
            let error = failure(&self.shown, error);
            if is_final {
                BodyError::Final(error)
            } else {
                BodyError::Broken(error)
            }
        })?;
        self.received += n as u64;
        self.client.counters.received(n as u64);
        let passed = self.started.elapsed();
        if let Some(over) = passed.checked_sub(ANSWER_TIMEOUT)
            && over.as_secs() > self.received / SLOWEST_BYTES_PER_SECOND
        {
            let reason = format!("{} bytes in {} seconds", self.received, passed.as_secs());
            return Err(BodyError::Final(RemoteError::Slow {
                url: self.shown.clone(),
                reason,
            }));
        }
        Ok(n)
    }

    /// Reads the body to its end.
    ///
    /// # Errors
    /// [`RemoteError::Limit`] for more than `most` bytes, and errors of the connection.
    pub(crate) fn read_all(&mut self, most: u64) -> Result<Vec<u8>, BodyError> {
        let mut bytes = Vec::new();
        let mut piece = vec![0; 64 << 10];
        loop {
            match self.read(&mut piece)? {
                0 => return Ok(bytes),
                n => bytes.extend_from_slice(piece.get(..n).unwrap_or_default()),
            }
            if bytes.len() as u64 > most {
                let limit = format!("more than {most} bytes in one answer");
                let url = self.shown.clone();
                return Err(BodyError::Final(RemoteError::Limit { url, limit }));
            }
        }
    }
}

/// Returns the error for an answer that did not come.
pub(super) fn failure(shown: &str, error: TransportError) -> RemoteError {
    let url = shown.to_owned();
    match error {
        TransportError::Broken(reason) | TransportError::Refused(reason) => {
            RemoteError::Connection { url, reason }
        }
        TransportError::TimedOut(reason) => RemoteError::Slow { url, reason },
    }
}
