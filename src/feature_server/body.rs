//! Bodies of requests, within limits, and of answers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::body::Body;
use hyper::body::Bytes;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::feature_server::limits::BODIES_BYTES_MAX;
use crate::feature_server::limits::BODY_TIME;
use crate::feature_server::limits::SMALL_BODY_BYTES;
use crate::feature_server::limits::STALL;
use crate::feature_server::refusal::Refusal;
use crate::http_server;
use crate::http_server::BodyFault;

/// The unit of the budget for bodies.
const UNIT: usize = 64 << 10;

/// The budget for large bodies of requests.
pub(super) struct BodyBudget(Arc<Semaphore>);

impl BodyBudget {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BODIES_BYTES_MAX / UNIT)))
    }

    /// Takes room for a growth from one length to another.
    pub(super) fn grow(
        &self,
        held: &mut Option<OwnedSemaphorePermit>,
        length: usize,
    ) -> Result<(), Refusal> {
        if length <= SMALL_BODY_BYTES {
            return Ok(());
        }
        let has = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let lacks = u32::try_from(length.div_ceil(UNIT).saturating_sub(has)).unwrap_or(u32::MAX);
        if lacks == 0 {
            return Ok(());
        }
        let Ok(more) = Arc::clone(&self.0).try_acquire_many_owned(lacks) else {
            return Err(Refusal::busy("the server holds too many large requests"));
        };
        match held {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        Ok(())
    }
}

/// The body of a request, and its share of the budget.
pub(super) struct HeldBody {
    pub(super) bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

/// Waits for the next data of a body; `None` at its end.
///
/// # Errors
/// A refusal for a client that stalls or breaks off.
pub(super) async fn next_data(body: &mut Incoming) -> Result<Option<Bytes>, Refusal> {
    let next = http_server::next_data(body, STALL).await;
    next.map_err(|fault| match fault {
        BodyFault::Stalled => stalled(),
        BodyFault::Broken(e) => Refusal::bad(format!("the body of the request: {e}")),
    })
}

fn stalled() -> Refusal {
    Refusal::new(
        StatusCode::REQUEST_TIMEOUT,
        "the body of the request did not come",
    )
}

/// Reads a body of a limited length.
///
/// # Errors
/// A refusal for a body that is too long or does not come, and where the budget is spent.
pub(super) async fn read_body(
    mut body: Incoming,
    limit: usize,
    budget: &BodyBudget,
) -> Result<HeldBody, Refusal> {
    let too_long = || {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is beyond the limit of {limit} bytes"),
        )
    };
    let claimed = body.size_hint().lower();
    if claimed > limit as u64 {
        return Err(too_long());
    }
    let deadline = Instant::now() + BODY_TIME;
    let mut share = None;
    let mut first = Bytes::new();
    let mut whole: Vec<u8> = Vec::new();
    loop {
        let next = timeout_at(deadline, next_data(&mut body)).await;
        let Some(data) = next.unwrap_or_else(|_| Err(stalled()))? else {
            break;
        };
        let length = first.len() + whole.len() + data.len();
        if length > limit {
            return Err(too_long());
        }
        budget.grow(&mut share, length)?;
        if whole.is_empty() && first.is_empty() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            // The claim is trusted for a small body only.
            let claimed = usize::try_from(claimed).unwrap_or(0);
            whole.reserve(length.max(claimed.min(SMALL_BODY_BYTES)));
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        whole.extend_from_slice(&data);
    }
    Ok(HeldBody {
        bytes: if whole.is_empty() {
            first
        } else {
            whole.into()
        },
        _share: share,
    })
}

/// A piece of an answer that is made while it is sent.
pub(super) enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
}

/// The body of an answer.
pub(super) enum ReplyBody {
    /// One that is there, with trailers.
    Ready {
        data: VecDeque<Bytes>,
        trailers: Option<HeaderMap>,
    },
    /// One that is being made.
    Growing(mpsc::Receiver<Piece>),
}

impl ReplyBody {
    pub(super) fn of(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let data = if bytes.is_empty() {
            VecDeque::new()
        } else {
            VecDeque::from([bytes])
        };
        Self::Ready {
            data,
            trailers: None,
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Ready { data, trailers } => {
                let next = data.pop_front().map(Frame::data);
                let next = next.or_else(|| trailers.take().map(Frame::trailers));
                Poll::Ready(next.map(Ok))
            }
            Self::Growing(pieces) => pieces.poll_recv(cx).map(|piece| {
                piece.map(|piece| {
                    Ok(match piece {
                        Piece::Data(bytes) => Frame::data(bytes),
                        Piece::Trailers(trailers) => Frame::trailers(trailers),
                    })
                })
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Ready { data, trailers: None } if data.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ready {
                data,
                trailers: None,
            } => SizeHint::with_exact(data.iter().map(|bytes| bytes.len() as u64).sum()),
            _ => SizeHint::default(),
        }
    }
}
