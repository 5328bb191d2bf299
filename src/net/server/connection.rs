//! One peer's connection: a task a request. Reading from the disk happens on threads for that, one
//! frame at a time, so that a peer that reads slowly holds one frame and no thread.

use crate::ident::NodeId;
use crate::net::quic::response_frames::STALL;
use crate::net::server::accept::Close;
use crate::net::server::accept::Server;
use crate::net::server::accept::code;
use crate::net::server::event::Event;
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
use crate::registry::Error;
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
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// Requests longer than this come one at a time from a peer, and few at a time from all.
const LONG_REQUEST_BYTES: usize = 64 << 10;
/// ResponseStream with data that are made for one connection at once: each holds a record until somebody
/// reads it.
pub(crate) const DATA_ANSWERS: u32 = 4;
/// From so many connections on, each gets one of them.
const CROWD: usize = 16;
/// What is said of bytes that are no request.
const MALFORMED: &str = "malformed request";
/// How long the last word of a connection may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// One peer's connection.
pub(crate) struct PeerSession {
    pub(crate) server: Arc<Server>,
    pub(crate) connection: Connection,
    pub(crate) peer: NodeId,
    pub(crate) hello: OnceLock<Hello>,
    pub(crate) conduct: Mutex<RateLimiter>,
    pub(crate) long_request: Semaphore,
    /// One at a time, so that nobody's many keep others' few waiting.
    pub(crate) announcement: Semaphore,
    pub(crate) data_answers: Arc<Semaphore>,
    /// Requests under way, and answers that the peer does not have yet.
    pub(crate) under_way: Arc<AtomicU64>,
    pub(crate) requests: AtomicU64,
    pub(crate) sent_bytes: AtomicU64,
}

/// How a request ended the connection, or not.
enum Ending {
    Done,
    Close(Close, &'static str),
}

impl PeerSession {
    pub(crate) async fn attend(self: Arc<Self>, out: SendStream, asked: RecvStream) {
        let counters = &self.server.counters;
        counters.requests.fetch_add(1, Ordering::Relaxed);
        counters.under_way.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        let begun = self.conduct().begin(self.server.started.elapsed());
        let ending = match begun {
            true => self.answer(out, asked).await,
            false => {
                let refusal = Refusal::new(RefusalCode::TooMuch, "too much at once");
                self.refuse(out, refusal).await
            }
        };
        if begun {
            self.conduct().end();
        }
        counters.under_way.fetch_sub(1, Ordering::Relaxed);
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        if let Ending::Close(close, reason) = ending {
            self.connection.close(code(close), reason.as_bytes());
        }
    }

    fn conduct(&self) -> std::sync::MutexGuard<'_, RateLimiter> {
        self.conduct.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, out: SendStream, asked: RecvStream) -> Ending {
        let frame = match tokio::time::timeout(STALL, self.read(asked)).await {
            Ok(Ok(frame)) => frame,
            Ok(Err(NotRead::Malformed)) => return self.malformed(out, MALFORMED).await,
            Ok(Err(NotRead::Gone)) => return Ending::Done,
            Err(_) => return Ending::Close(Close::Stalled, "a request that never came to its end"),
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
        // Who is pulling may come to the end of it.
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
        let asking = RequestContext {
            peer: self.peer,
            hello: hello.clone(),
            showing: self.server.showing,
            access: self.server.access,
        };
        if !self.conduct().charge(extra_cost(&request)) {
            let refusal = Refusal::new(RefusalCode::TooMuch, "too much at once");
            return self.refuse(out, refusal).await;
        }
        self.send(out, request, asking).await
    }

    async fn malformed(&self, mut out: SendStream, text: &str) -> Ending {
        let bytes = Response::Refusal(Refusal::new(RefusalCode::Malformed, text));
        let told = async {
            let _ = out.write_all(&bytes.encode()).await;
            let _ = out.finish();
            // The end of the connection would overtake it.
            let _ = out.stopped().await;
        };
        let _ = tokio::time::timeout(FAREWELL, told).await;
        Ending::Close(Close::Malformed, MALFORMED)
    }

    async fn refuse(&self, mut out: SendStream, refusal: Refusal) -> Ending {
        let bytes = Response::Refusal(refusal).encode();
        let written = tokio::time::timeout(STALL, out.write_all(&bytes)).await;
        let _ = out.finish();
        match written {
            Ok(_) => Ending::Done,
            Err(_) => Ending::Close(Close::Stalled, "nobody reads the answers"),
        }
    }

    /// The one frame of a request, and nothing behind it.
    async fn read(&self, mut asked: RecvStream) -> Result<Frame, NotRead> {
        let mut reader = FrameReader::new(Request::body_limit);
        let mut frame = None;
        let mut bytes = 0;
        // Kept until the request is whole.
        let mut turns = None;
        loop {
            let chunk = asked.read_chunk(LONG_REQUEST_BYTES, true).await;
            let Some(chunk) = chunk.map_err(|_| NotRead::Gone)? else {
                return frame.ok_or(NotRead::Malformed);
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
                return Err(NotRead::Malformed);
            }
        }
    }

    async fn send(&self, mut out: SendStream, request: Request, asking: RequestContext) -> Ending {
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
            // Who was taken off the list since is not answered any more.
            let mut answering = match may_ask(&registry, &asking) {
                true => registry.answer(&request, &asking),
                false => {
                    let text = "not on the list";
                    registry.refuse(Refusal::new(RefusalCode::NotAllowed, text))
                }
            };
            let first = answering.next();
            (answering, first)
        });
        let mut bytes = 0;
        let mut next = begun.await;
        drop(announcing);
        loop {
            let (answering, answer) = match next {
                Ok(pair) => pair,
                // It panicked: a fault here, which this peer must not turn against the others.
                Err(error) => {
                    self.failed(name, error.to_string());
                    return Ending::Done;
                }
            };
            let Some(answer) = answer else {
                let _ = out.finish();
                if let Some(error) = answering.failed() {
                    self.failed(name, words(&error));
                }
                self.see_off(out, turn);
                if is_announcement {
                    self.server.announced();
                }
                break;
            };
            if let Response::Refusal(refusal) = &answer
                && refusal.code == RefusalCode::Malformed
            {
                return self.malformed(out, &refusal.text).await;
            }
            for piece in answer.into_pieces() {
                bytes += piece.len() as u64;
                let write = out.write_chunk(Bytes::from(piece));
                match tokio::time::timeout(STALL, write).await {
                    Ok(Ok(())) => {}
                    // The peer has what it wants.
                    Ok(Err(_)) => return self.sent(name, bytes, started),
                    Err(_) => return Ending::Close(Close::Stalled, "nobody reads the answers"),
                }
            }
            next = tokio::task::spawn_blocking(move || {
                let mut answering: ResponseFrames = answering;
                let answer = answering.next();
                (answering, answer)
            })
            .await;
        }
        self.sent(name, bytes, started)
    }

    /// What was written is under way until the peer has it: it takes memory, and a node that stops
    /// waits for it. The peer may ask on meanwhile.
    fn see_off(&self, out: SendStream, turn: Option<OwnedSemaphorePermit>) {
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

    /// How many places an answer of data takes. In a crowd all: memory is for one record of each
    /// peer then, and the lines are busy anyway.
    fn share(&self) -> u32 {
        match self.server.gate.len() >= CROWD {
            true => DATA_ANSWERS,
            false => 1,
        }
    }

    fn sent(&self, request: &'static str, bytes: u64, started: Instant) -> Ending {
        self.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        let counters = &self.server.counters;
        counters.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.server.tell(&Event::Answered {
            peer: self.peer,
            request,
            bytes,
            seconds: started.elapsed().as_secs_f64(),
        });
        Ending::Done
    }

    fn failed(&self, request: &'static str, error: String) {
        let counters = &self.server.counters;
        counters.failed.fetch_add(1, Ordering::Relaxed);
        self.server.tell(&Event::Failed {
            peer: self.peer,
            request,
            error,
        });
    }
}

/// Why a request did not come.
enum NotRead {
    Malformed,
    Gone,
}

impl From<DecodeError> for NotRead {
    fn from(_: DecodeError) -> Self {
        Self::Malformed
    }
}

fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

fn may_ask(registry: &LocalRegistry, asking: &RequestContext) -> bool {
    let listed = || AccessList::of(registry).all();
    // A list that cannot be read lets nobody in.
    asking.access == Access::Open || listed().is_ok_and(|ids| ids.contains(&asking.peer))
}

/// What a request costs beside what every request does: some look at the whole catalogue.
fn extra_cost(request: &Request) -> u32 {
    match request {
        Request::List(_)
        | Request::Filter
        | Request::Reconcile(_)
        | Request::Symbols(_)
        | Request::Wanted(_) => 50,
        // Each is a signature to verify. One that costs more than anybody may ask at once is
        // refused.
        Request::Announce {
            envelopes,
            statements,
        } => u32::try_from(50 + envelopes.len() + statements.len()).unwrap_or(u32::MAX),
        _ => 0,
    }
}

fn is_part_of_a_pull(request: &Request) -> bool {
    matches!(request, Request::PullCard(_) | Request::Seams(_)) || has_data(request)
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
        Request::Seams(_) => "seams",
        Request::Filter => "filter",
        Request::PullDelta(_) => "differences",
    }
}
