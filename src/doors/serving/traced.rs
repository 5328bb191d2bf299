//! A body that tells its end to the access log.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Instant;

use hyper::body::Body;
use hyper::body::Bytes;
use hyper::body::Frame;
use hyper::body::SizeHint;

use crate::doors::body::DoorBody;
use crate::doors::event::RequestEvent;
use crate::doors::state::Doors;

/// The body of an answer, with the event of its request.
pub(super) struct TracedBody {
    inner: DoorBody,
    doors: Arc<Doors>,
    began: Instant,
    event: RequestEvent,
    is_ended: bool,
}

impl TracedBody {
    pub(super) fn new(
        inner: DoorBody,
        doors: Arc<Doors>,
        began: Instant,
        event: RequestEvent,
    ) -> Self {
        let is_ended = inner.is_end_stream() || event.method == "HEAD";
        Self {
            inner,
            doors,
            began,
            event,
            is_ended,
        }
    }
}

impl Body for TracedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                this.event.bytes += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
                this.is_ended = this.inner.is_end_stream();
            }
            Poll::Ready(Some(Err(e))) => this.event.error = Some(e.to_string()),
            Poll::Ready(None) => this.is_ended = true,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for TracedBody {
    fn drop(&mut self) {
        if !self.is_ended && self.event.error.is_none() {
            self.event.error = Some("the client left".to_owned());
        }
        let took = self.began.elapsed();
        self.event.seconds = took.as_secs_f64();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let is_cut = self.event.error.is_some();
        let (status, bytes) = (self.event.status, self.event.bytes);
        self.doors
            .metrics
            .count(self.event.door, status, (bytes, micros), is_cut);
        (self.doors.observer)(&self.event);
    }
}
