//! Bodies of requests, within limits, and of answers.

use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use hyper::body::Body;
use hyper::body::Bytes;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::doors::error::DoorError;
use crate::doors::limits::BODY_TIME;
use crate::doors::limits::STALL;
use crate::http_server;
use crate::http_server::BodyFault;

/// An answer of a door.
pub(super) type Answer = hyper::Response<DoorBody>;

/// The body of an answer.
pub(super) enum DoorBody {
    /// One that is there.
    Whole(Option<Bytes>),
    /// One that is read while it is sent. An error breaks the connection, so that no client takes a part for the whole.
    Stream(Pin<Box<dyn Body<Data = Bytes, Error = io::Error> + Send>>),
}

impl DoorBody {
    /// A body of these bytes.
    pub(super) fn of(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()).filter(|bytes| !bytes.is_empty()))
    }

    /// A body without bytes.
    pub(super) const fn empty() -> Self {
        Self::Whole(None)
    }
}

impl Body for DoorBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Stream(body) => body.size_hint(),
        }
    }
}

/// Waits for the next data of a body; `None` at its end.
///
/// # Errors
/// [`DoorError::Invalid`] for a client that stalls or breaks off.
pub(super) async fn next_data(body: &mut Incoming) -> Result<Option<Bytes>, DoorError> {
    let next = http_server::next_data(body, STALL).await;
    next.map_err(|fault| match fault {
        BodyFault::Stalled => stalled(),
        BodyFault::Broken(e) => DoorError::Invalid(format!("the body of the request: {e}")),
    })
}

fn stalled() -> DoorError {
    DoorError::Invalid("the body of the request did not come".to_owned())
}

/// Reads a small body.
///
/// # Errors
/// [`DoorError::TooLarge`] beyond the limit, and [`DoorError::Invalid`] for one that does not come.
pub(super) async fn read_body(mut body: Incoming, limit: usize) -> Result<Bytes, DoorError> {
    let too_large =
        || DoorError::TooLarge(format!("the body is beyond the limit of {limit} bytes"));
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let deadline = Instant::now() + BODY_TIME;
    let mut whole: Vec<u8> = Vec::new();
    loop {
        let next = timeout_at(deadline, next_data(&mut body)).await;
        let Some(data) = next.unwrap_or_else(|_| Err(stalled()))? else {
            return Ok(whole.into());
        };
        if whole.len() + data.len() > limit {
            return Err(too_large());
        }
        whole.extend_from_slice(&data);
    }
}
