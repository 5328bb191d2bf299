//! Connection of one peer: a task for each request. Blocking threads read the disk, one frame at a time,
//! so a slow reader holds one frame and no thread.

use crate::error_kind::message_with_causes;
use crate::ident::NodeId;
use crate::locks::lock;
use crate::net::quic::response_frames::STALL;
use crate::net::server::event::Event;
use crate::net::server::shared::CloseCode;
use crate::net::server::shared::Server;
use crate::net::server::shared::code;
use crate::net::state::access_list::AccessList;
use crate::protocol::Access;
use crate::protocol::Frame;
use crate::protocol::FrameReader;
use crate::protocol::Hello;
use crate::protocol::RateLimiter;
use crate::protocol::Refusal;
use crate::protocol::RefusalCode;
use crate::protocol::Request;
use crate::protocol::Response;
use crate::registry::LocalRegistry;
use crate::registry::host;
use crate::registry::peers::RequestContext;
use crate::registry::peers::ResponseFrames;
use crate::wire::DecodeError;
use bytes::Bytes;
use quinn::Connection;
use quinn::RecvStream;
use quinn::SendStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// Length from which requests come one at a time from a peer, and few at a time from all.
const LONG_REQUEST_BYTES: usize = 64 << 10;
/// Concurrent data responses of one connection: each holds a record until the peer reads it.
pub(crate) const DATA_ANSWERS: u32 = 4;
/// Number of connections from which each gets only one of them.
const CROWD: usize = 16;
/// The message about bytes that are no request.
const MALFORMED: &str = "malformed request";
/// Maximum time of a connection's last message.
const FAREWELL: Duration = Duration::from_secs(1);
/// The connection of one peer.
pub(crate) struct PeerSession {
    pub(crate) server: Arc<Server>,
    pub(crate) connection: Connection,
    pub(crate) peer: NodeId,
    pub(crate) hello: OnceLock<Hello>,
    pub(crate) limiter: Mutex<RateLimiter>,
    pub(crate) long_request: Semaphore,
    /// Admits one announcement at a time, so that those of one peer do not delay others.
    pub(crate) announcement: Semaphore,
    pub(crate) data_answers: Arc<Semaphore>,
    /// Running requests, and responses that the peer has not received yet.
    pub(crate) under_way: Arc<AtomicU64>,
    pub(crate) requests: AtomicU64,
    pub(crate) sent_bytes: AtomicU64,
}

/// The effect of a request on the connection.
enum RequestEnd {
    Done,
    CloseCode(CloseCode, &'static str),
}

impl PeerSession {
    pub(crate) async fn attend(self: Arc<Self>, out: SendStream, request_stream: RecvStream) {
        let counters = &self.server.counters;
        counters.requests.fetch_add(1, Ordering::Relaxed);
        counters.under_way.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        let begun = self.limiter().begin(self.server.started.elapsed());
        let ending = match begun {
            true => self.respond(out, request_stream).await,
            false => {
                let refusal = Refusal::new(RefusalCode::TooMuch, "too much at once");
                self.refuse(out, refusal).await
            }
        };
        if begun {
            self.limiter().end();
        }
        counters.under_way.fetch_sub(1, Ordering::Relaxed);
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        if let RequestEnd::CloseCode(close, reason) = ending {
            self.connection.close(code(close), reason.as_bytes());
        }
    }

    fn limiter(&self) -> std::sync::MutexGuard<'_, RateLimiter> {
        lock(&self.limiter)
    }

    async fn respond(&self, out: SendStream, request_stream: RecvStream) -> RequestEnd {
        let frame = match tokio::time::timeout(STALL, self.read(request_stream)).await {
            Ok(Ok(frame)) => frame,
            Ok(Err(ReadFailure::Malformed)) => return self.malformed(out, MALFORMED).await,
            Ok(Err(ReadFailure::Gone)) => return RequestEnd::Done,
            Err(_) => {
                return RequestEnd::CloseCode(
                    CloseCode::Stalled,
                    "a request that never came to its end",
                );
            }
        };
        let request = match Request::decode(&frame) {
            Ok(Some(request)) => request,
            Ok(None) => {
                let text = "no such request in this version";
                let refusal = Refusal::new(RefusalCode::NotUnderstood, text);
                return self.refuse(out, refusal).await;
            }
            Err(_) => return self.malformed(out, MALFORMED).await,
        };
        // A running pull may finish.
        if self.server.is_stopping.load(Ordering::Relaxed) && !is_part_of_a_pull(&request) {
            let refusal = Refusal::new(RefusalCode::ShuttingDown, "shutting down");
            return self.refuse(out, refusal).await;
        }
        if let Request::Hello(hello) = &request
            && self.hello.set(hello.clone()).is_ok()
            && let Some(port) = hello.port
        {
            let from = self.connection.remote_address();
            self.server.called(self.peer, from, port);
        }
        let Some(hello) = self.hello.get() else {
            return self.malformed(out, MALFORMED).await;
        };
        let context = RequestContext {
            peer: self.peer,
            hello: hello.clone(),
            showing: self.server.showing,
            access: self.server.access,
        };
        if !self.limiter().charge(extra_cost(&request)) {
            let refusal = Refusal::new(RefusalCode::TooMuch, "too much at once");
            return self.refuse(out, refusal).await;
        }
        self.send(out, request, context).await
    }

    async fn malformed(&self, mut out: SendStream, text: &str) -> RequestEnd {
        let bytes = Response::Refusal(Refusal::new(RefusalCode::Malformed, text));
        let farewell = async {
            let _ = out.write_all(&bytes.encode()).await;
            let _ = out.finish();
            // A close would overtake it.
            let _ = out.stopped().await;
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
        RequestEnd::CloseCode(CloseCode::Malformed, MALFORMED)
    }

    async fn refuse(&self, mut out: SendStream, refusal: Refusal) -> RequestEnd {
        let bytes = Response::Refusal(refusal).encode();
        let written = tokio::time::timeout(STALL, out.write_all(&bytes)).await;
        let _ = out.finish();
        match written {
            Ok(_) => RequestEnd::Done,
            Err(_) => RequestEnd::CloseCode(CloseCode::Stalled, "nobody reads the answers"),
        }
    }

    /// Reads the one frame of a request, with nothing behind it.
    async fn read(&self, mut request_stream: RecvStream) -> Result<Frame, ReadFailure> {
        let mut reader = FrameReader::new(Request::body_limit);
        let mut frame = None;
        let mut bytes = 0;
        // Kept until the request is complete.
        let mut turns = None;
        loop {
            let chunk = request_stream.read_chunk(LONG_REQUEST_BYTES, true).await;
            let Some(chunk) = chunk.map_err(|_| ReadFailure::Gone)? else {
                return frame.ok_or(ReadFailure::Malformed);
            };
            let mut piece = chunk.bytes.as_ref();
            bytes += piece.len();
            if bytes > LONG_REQUEST_BYTES && turns.is_none() {
                let own = self.long_request.acquire().await;
                turns = Some((own, self.server.long_requests.acquire().await));
            }
            if let Some(read) = reader.read(&mut piece)? {
                frame = Some(read);
            }
            if !piece.is_empty() {
                return Err(ReadFailure::Malformed);
            }
        }
    }

    async fn send(
        &self,
        mut out: SendStream,
        request: Request,
        context: RequestContext,
    ) -> RequestEnd {
        let started = host::instant();
        let registry = self.server.registry.clone();
        let name = name_of(&request);
        let is_announcement = matches!(&request, Request::Announce { .. });
        let has_data = has_data(&request);
        let turn = match has_data {
            true => {
                let turns = self.data_answers.clone();
                turns.acquire_many_owned(self.share()).await.ok()
            }
            false => None,
        };
        let announcing = match is_announcement {
            true => {
                let own = self.announcement.acquire().await;
                Some((own, self.server.announcements.acquire().await))
            }
            false => None,
        };
        let begun = tokio::task::spawn_blocking(move || {
            // A node taken off the list meanwhile gets no more answers.
            let mut responses = match may_ask(&registry, &context) {
                true => registry.peers().answer(&request, &context),
                false => {
                    let text = "not on the list";
                    registry
                        .peers()
                        .refuse(Refusal::new(RefusalCode::NotAllowed, text))
                }
            };
            let first = responses.next();
            (responses, first)
        });
        let mut bytes = 0;
        let mut next = begun.await;
        drop(announcing);
        loop {
            let (responses, response) = match next {
                Ok(pair) => pair,
                // It panicked: a local fault, which this peer must not turn against others.
                Err(error) => {
                    self.failed(name, error.to_string());
                    return RequestEnd::Done;
                }
            };
            let Some(response) = response else {
                let _ = out.finish();
                if let Some(error) = responses.failed() {
                    self.failed(name, message_with_causes(&error));
                }
                self.track_delivery(out, turn);
                if is_announcement {
                    self.server.announced();
                }
                break;
            };
            if let Response::Refusal(refusal) = &response
                && refusal.code == RefusalCode::Malformed
            {
                return self.malformed(out, &refusal.text).await;
            }
            for piece in response.into_pieces() {
                bytes += piece.len() as u64;
                let write = out.write_chunk(Bytes::from(piece));
                match tokio::time::timeout(STALL, write).await {
                    Ok(Ok(())) => {}
                    // The peer has all that it wants.
                    Ok(Err(_)) => return self.sent(name, bytes, started),
                    Err(_) => {
                        return RequestEnd::CloseCode(
                            CloseCode::Stalled,
                            "nobody reads the answers",
                        );
                    }
                }
            }
            next = tokio::task::spawn_blocking(move || {
                let mut responses: ResponseFrames = responses;
                let response = responses.next();
                (responses, response)
            })
            .await;
        }
        self.sent(name, bytes, started)
    }

    /// Tracks a written response until the peer has it: it takes memory, and a stopping node waits for
    /// it. The peer may send further requests meanwhile.
    fn track_delivery(&self, out: SendStream, turn: Option<OwnedSemaphorePermit>) {
        let (server, own) = (self.server.clone(), self.under_way.clone());
        server.counters.under_way.fetch_add(1, Ordering::Relaxed);
        own.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let _ = tokio::time::timeout(STALL, out.stopped()).await;
            server.counters.under_way.fetch_sub(1, Ordering::Relaxed);
            own.fetch_sub(1, Ordering::Relaxed);
            drop(turn);
        });
    }

    /// Returns the slots of a data response. In a crowd it takes all: memory is for one record a peer
    /// then, and the network is busy anyway.
    fn share(&self) -> u32 {
        if self.server.connection_limiter.len() >= CROWD {
            DATA_ANSWERS
        } else {
            1
        }
    }

    fn sent(&self, request: &'static str, bytes: u64, started: Instant) -> RequestEnd {
        self.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        let counters = &self.server.counters;
        counters.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.server.report(&Event::Answered {
            peer: self.peer,
            request,
            bytes,
            seconds: started.elapsed().as_secs_f64(),
        });
        RequestEnd::Done
    }

    fn failed(&self, request: &'static str, error: String) {
        let counters = &self.server.counters;
        counters.failed.fetch_add(1, Ordering::Relaxed);
        self.server.report(&Event::Failed {
            peer: self.peer,
            request,
            error,
        });
    }
}

/// Failure to read a request.
enum ReadFailure {
    Malformed,
    Gone,
}

impl From<DecodeError> for ReadFailure {
    fn from(_: DecodeError) -> Self {
        Self::Malformed
    }
}

fn may_ask(registry: &LocalRegistry, context: &RequestContext) -> bool {
    let listed = || AccessList::of(registry).all();
    // An unreadable list admits no node.
    context.access == Access::Open || listed().is_ok_and(|ids| ids.contains(&context.peer))
}

/// Returns the cost of a request beyond the common one: some read the whole catalogue.
fn extra_cost(request: &Request) -> u32 {
    match request {
        Request::List(_)
        | Request::Filter
        | Request::Reconcile(_)
        | Request::Symbols(_)
        | Request::Wanted(_) => 50,
        // Each is a signature to verify. An announcement that costs more than the burst is refused.
        Request::Announce {
            envelopes,
            statements,
        } => u32::try_from(50 + envelopes.len() + statements.len()).unwrap_or(u32::MAX),
        _ => 0,
    }
}

fn is_part_of_a_pull(request: &Request) -> bool {
    matches!(request, Request::PullCard(_) | Request::RecordBoundaries(_)) || has_data(request)
}

fn has_data(request: &Request) -> bool {
    matches!(
        request,
        Request::PullNode(_)
            | Request::PullChunk(_)
            | Request::PullDelta(_)
            | Request::PullNodeDelta(_)
    )
}

fn name_of(request: &Request) -> &'static str {
    match request {
        Request::Hello(_) => "hello",
        Request::List(_) => "list",
        Request::Reconcile(_) => "reconcile",
        Request::Symbols(_) => "symbols",
        Request::Wanted(_) => "wanted",
        Request::PullNode(_) | Request::PullNodeDelta(_) => "nodes",
        Request::PullChunk(_) => "chunks",
        Request::PullCard(_) => "card",
        Request::Announce { .. } => "announce",
        Request::RecordBoundaries(_) => "seams",
        Request::Filter => "filter",
        Request::PullDelta(_) => "differences",
    }
}
