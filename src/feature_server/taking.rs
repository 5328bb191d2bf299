//! Answers that a client does not take. Over HTTP/2 it may answer every ping and still leave no room for data, so bytes
//! go to and fro, and the answer would stay in memory for ever.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use hyper::body::Body;
use hyper::body::Bytes;
use hyper::body::Frame;
use hyper::body::SizeHint;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::feature_server::body::ReplyBody;
use crate::locks::lock;

/// Bytes of a piece. A client that takes so many in the time that is allowed is not cut off.
const PIECE_BYTES: usize = 64 << 10;
/// Bytes of a piece that nobody waits for.
const SMALL_BYTES: usize = 1 << 10;

/// The answers of a connection that the client has to take a piece of.
#[derive(Default)]
pub(super) struct Untaken(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// The number of the next answer.
    next: u64,
    /// The time since which a piece waits, by the number of its answer.
    since: HashMap<u64, Instant>,
}

impl Untaken {
    /// Waits until a client has not taken a piece of an answer for a time.
    pub(super) async fn stalled(&self, allowed: Duration) {
        loop {
            let oldest = lock(&self.0).since.values().min().copied();
            let now = Instant::now();
            let end = oldest.unwrap_or(now) + allowed;
            if end <= now {
                return;
            }
            sleep_until(end).await;
        }
    }

    fn begin(&self) -> u64 {
        let mut waiting = lock(&self.0);
        waiting.next += 1;
        waiting.next
    }

    fn wait(&self, answer: u64) {
        lock(&self.0).since.insert(answer, Instant::now());
    }

    fn take(&self, answer: u64) {
        lock(&self.0).since.remove(&answer);
    }
}

/// The body of an answer over HTTP/2, in pieces.
///
/// The next piece is asked for when the client has room for the one before, or for a part of it. So the last byte of a
/// long answer comes apart: then there was room for all bytes before it.
pub(super) struct WatchedBody {
    inner: ReplyBody,
    rest: Bytes,
    untaken: Arc<Untaken>,
    answer: u64,
}

impl WatchedBody {
    pub(super) fn new(inner: ReplyBody, untaken: &Arc<Untaken>) -> Self {
        Self {
            inner,
            rest: Bytes::new(),
            untaken: Arc::clone(untaken),
            answer: untaken.begin(),
        }
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.untaken.take(self.answer);
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        this.untaken.take(this.answer);
        if this.rest.is_empty() {
            let Some(Ok(frame)) = ready!(Pin::new(&mut this.inner).poll_frame(cx)) else {
                return Poll::Ready(None);
            };
            match frame.into_data() {
                Ok(data) => this.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let length = this.rest.len();
        let piece = match length {
            0..=SMALL_BYTES => length,
            _ => PIECE_BYTES.min(length - 1),
        };
        let piece = this.rest.split_to(piece);
        this.untaken.wait(this.answer);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.rest.is_empty() {
            true => self.inner.size_hint(),
            false => SizeHint::default(),
        }
    }
}
