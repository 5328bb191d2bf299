//! The data of a request's body, as it comes.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use hyper::body::Body as _;
use hyper::body::Bytes;
use hyper::body::Incoming;
use tokio::time::timeout;

/// A body that does not come to its end.
#[derive(Debug)]
pub(crate) enum BodyFault {
    /// Nothing came for the time that is allowed.
    Stalled,
    /// The client broke off, or sent no valid body.
    Broken(hyper::Error),
}

/// Waits for the next data of a body, for a time; `None` at its end.
///
/// # Errors
/// [`BodyFault`].
pub(crate) async fn next_data(
    body: &mut Incoming,
    allowed: Duration,
) -> Result<Option<Bytes>, BodyFault> {
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
        match timeout(allowed, frame).await {
            Err(_) => return Err(BodyFault::Stalled),
            Ok(None) => return Ok(None),
            Ok(Some(Err(e))) => return Err(BodyFault::Broken(e)),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}
