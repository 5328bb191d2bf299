//! Messages of gRPC over HTTP/2: their frames, and the status at the end.

use std::collections::VecDeque;

use hyper::HeaderMap;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::header::HeaderValue;
use tokio::sync::OwnedSemaphorePermit;

use crate::feature_server::body::BodyBudget;
use crate::feature_server::body::ReplyBody;
use crate::feature_server::body::next_data;
use crate::feature_server::refusal::Refusal;

/// Bytes before a message: a flag, and its length.
const PREFIX_BYTES: usize = 5;

/// The messages of a request, in their order.
pub(super) struct Messages<'a> {
    body: Incoming,
    /// Bytes that came and belong to no message yet.
    pending: Vec<u8>,
    limit: usize,
    budget: &'a BodyBudget,
    share: Option<OwnedSemaphorePermit>,
}

impl<'a> Messages<'a> {
    pub(super) fn of(body: Incoming, limit: usize, budget: &'a BodyBudget) -> Self {
        Self {
            body,
            pending: Vec::new(),
            limit,
            budget,
            share: None,
        }
    }

    /// Waits for the next message; `None` at the end.
    ///
    /// # Errors
    /// A refusal for a message that is compressed, too long or cut off, and for a client that stalls.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            let length = self.length()?;
            let end = length.map(|length| PREFIX_BYTES + length);
            if let Some(end) = end.filter(|end| self.pending.len() >= *end) {
                let rest = self.pending.split_off(end);
                let whole = Bytes::from(std::mem::replace(&mut self.pending, rest));
                return Ok(Some(whole.slice(PREFIX_BYTES..)));
            }
            match next_data(&mut self.body).await? {
                Some(data) => {
                    self.budget
                        .grow(&mut self.share, self.pending.len() + data.len())?;
                    self.pending.extend_from_slice(&data);
                }
                None if self.pending.is_empty() => return Ok(None),
                None => return Err(Refusal::bad("the request is cut off")),
            }
        }
    }

    /// Returns the length of the message that begins the pending bytes.
    fn length(&self) -> Result<Option<usize>, Refusal> {
        let Some([flag, length @ ..]) = self.pending.first_chunk::<PREFIX_BYTES>() else {
            return Ok(None);
        };
        let length = length
            .iter()
            .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        if *flag != 0 {
            return Err(Refusal::new(
                StatusCode::NOT_IMPLEMENTED,
                "messages are not compressed here",
            ));
        }
        if length > self.limit {
            let why = format!("the message is beyond the limit of {} bytes", self.limit);
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        Ok(Some(length))
    }
}

/// Returns the frames of a message of two parts, the second of which is not copied.
///
/// # Errors
/// A refusal for a message that is too long for a frame.
pub(super) fn frames(head: &[u8], body: Vec<u8>) -> Result<Vec<Bytes>, Refusal> {
    let length = u32::try_from(head.len() + body.len());
    let length = length
        .map_err(|_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the answer is beyond 4 GiB"))?;
    let mut first = Vec::with_capacity(PREFIX_BYTES + head.len());
    first.push(0);
    first.extend(length.to_le_bytes().iter().rev());
    first.extend_from_slice(head);
    let mut frames = vec![Bytes::from(first)];
    if !body.is_empty() {
        frames.push(Bytes::from(body));
    }
    Ok(frames)
}

/// Returns the number of a status in gRPC.
fn status_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "3",
        StatusCode::REQUEST_TIMEOUT => "4",
        StatusCode::NOT_FOUND => "5",
        StatusCode::CONFLICT => "6",
        StatusCode::FORBIDDEN => "7",
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::INSUFFICIENT_STORAGE => "8",
        StatusCode::NOT_IMPLEMENTED => "12",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY => "14",
        StatusCode::UNAUTHORIZED => "16",
        _ => "13",
    }
}

/// Returns the end of an answer.
pub(super) fn trailers(refusal: Option<&Refusal>) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    let status = refusal.map_or("0", |refusal| status_of(refusal.status));
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    if let Some(refusal) = refusal {
        let mut text = String::new();
        for byte in refusal.message.bytes().take(2048) {
            match byte {
                b' '..=b'~' if byte != b'%' => text.push(char::from(byte)),
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
        if let Ok(value) = HeaderValue::from_str(&text) {
            trailers.insert("grpc-message", value);
        }
    }
    trailers
}

/// Makes an answer of frames that are there, or of a refusal.
pub(super) fn answer(made: Result<VecDeque<Bytes>, Refusal>) -> Response<ReplyBody> {
    match made {
        Ok(data) => grow(ReplyBody::Ready {
            data,
            trailers: Some(trailers(None)),
        }),
        Err(refusal) => {
            let mut reply = grow(ReplyBody::of(Vec::new()));
            reply.headers_mut().extend(trailers(Some(&refusal)));
            reply
        }
    }
}

/// Makes an answer with a body.
pub(super) fn grow(body: ReplyBody) -> Response<ReplyBody> {
    let mut reply = Response::new(body);
    let value = HeaderValue::from_static("application/grpc");
    reply.headers_mut().insert(CONTENT_TYPE, value);
    reply
}
