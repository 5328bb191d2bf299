//! Answering over QUIC: one task a connection, one a request. Reading from the disk happens on
//! threads for that, one frame at a time, so that a peer that reads slowly holds one frame and no
//! thread.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use quinn::Connection;
use quinn::Endpoint;
use quinn::Incoming;
use quinn::RecvStream;
use quinn::SendStream;
use tokio::sync::Semaphore;

use crate::ident::NodeId;
use crate::net::access::AccessList;
use crate::net::answers::STALL;
use crate::net::crypto;
use crate::net::event::Event;
use crate::net::event::Observer;
use crate::net::gate::Gate;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::host;
use crate::registry::peers::Answering;
use crate::registry::peers::Asking;
use crate::registry::peers::Showing;
use crate::sync::Access;
use crate::sync::Answer;
use crate::sync::Budget;
use crate::sync::Conduct;
use crate::sync::Frame;
use crate::sync::FrameReader;
use crate::sync::Hello;
use crate::sync::Refusal;
use crate::sync::RefusalCode;
use crate::sync::Request;
use crate::wire::DecodeError;

/// Application error codes on close; `spec/protocol.md`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Close {
    Malformed = 1,
    TooMuch = 2,
    NotListed = 3,
    ShuttingDown = 4,
    Stalled = 5,
}

/// From so many connections on, addresses are checked before a handshake costs anything.
const RETRY_FROM: usize = 64;
/// Requests longer than this come one at a time from a peer, and few at a time from all.
const LONG_REQUEST_BYTES: usize = 64 << 10;
const LONG_REQUESTS: usize = 8;
/// From so many connections on, each gets one answer of chunks at a time.
const CROWD: usize = 16;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What all connections of a serving node share.
pub(crate) struct Server {
    pub(crate) registry: LocalRegistry,
    pub(crate) access: Access,
    pub(crate) showing: Showing,
    pub(crate) budget: Budget,
    pub(crate) gate: Gate,
    pub(crate) counters: Counters,
    pub(crate) observer: Arc<Observer>,
    pub(crate) is_stopping: AtomicBool,
    pub(crate) started: Instant,
    pub(crate) long_requests: Semaphore,
}

/// Figures since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) under_way: AtomicU64,
    pub(crate) sent_bytes: AtomicU64,
    pub(crate) failed: AtomicU64,
}

/// One peer's connection.
struct Session {
    server: Arc<Server>,
    connection: Connection,
    peer: NodeId,
    hello: OnceLock<Hello>,
    conduct: Mutex<Conduct>,
    long_request: Semaphore,
    /// Whose turn it is where there is a crowd.
    turn: Semaphore,
    requests: AtomicU64,
    sent_bytes: AtomicU64,
}

/// How a request ended the connection, or not.
enum Ending {
    Done,
    Close(Close, &'static str),
}

impl Server {
    pub(crate) fn new(
        registry: LocalRegistry,
        access: Access,
        showing: Showing,
        observer: Arc<Observer>,
    ) -> Self {
        Self {
            registry,
            access,
            showing,
            budget: Budget::default(),
            gate: Gate::default(),
            counters: Counters::default(),
            observer,
            is_stopping: AtomicBool::new(false),
            started: host::instant(),
            long_requests: Semaphore::new(LONG_REQUESTS),
        }
    }

    pub(crate) fn tell(&self, event: &Event) {
        (self.observer)(event);
    }

    /// Takes connections until the endpoint is closed.
    pub(crate) async fn accept(self: Arc<Self>, endpoint: Endpoint) {
        while let Some(incoming) = endpoint.accept().await {
            if self.is_stopping.load(Ordering::Relaxed) || !self.gate.has_room() {
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
                incoming.refuse();
                continue;
            }
            if self.gate.len() >= RETRY_FROM && !incoming.remote_address_validated() {
                // Whoever cannot receive at the address it sends from is not heard again.
                let _ = incoming.retry();
                continue;
            }
            tokio::spawn(self.clone().meet(incoming));
        }
    }

    async fn meet(self: Arc<Self>, incoming: Incoming) {
        let address = incoming.remote_address();
        let refuse = |peer, reason| {
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
            self.tell(&Event::Refused {
                peer,
                address,
                reason,
            });
        };
        let Ok(connecting) = incoming.accept() else {
            return refuse(None, "the first packet is malformed");
        };
        let shaken = tokio::time::timeout(HANDSHAKE, connecting).await;
        let Ok(Ok(connection)) = shaken else {
            return refuse(None, "the handshake failed");
        };
        let Some(peer) = crypto::peer_key(&connection).map(NodeId::new) else {
            connection.close(code(Close::NotListed), b"no key");
            return refuse(None, "it showed no key");
        };
        if let Err((close, reason)) = self.admit(peer).await {
            connection.close(code(close), reason.as_bytes());
            return refuse(Some(peer), reason);
        }
        self.attend(peer, address, connection).await;
    }

    async fn admit(&self, peer: NodeId) -> Result<(), (Close, &'static str)> {
        if self.access == Access::Open {
            return Ok(());
        }
        let list = AccessList::of(&self.registry);
        let listed = tokio::task::spawn_blocking(move || list.all()).await;
        match listed {
            Ok(Ok(ids)) if ids.contains(&peer) => Ok(()),
            Ok(Ok(_)) => Err((Close::NotListed, "not on the list")),
            // A list that cannot be read lets nobody in.
            _ => Err((Close::NotListed, "the list cannot be read")),
        }
    }

    async fn attend(self: Arc<Self>, peer: NodeId, address: SocketAddr, connection: Connection) {
        let server = self.clone();
        let Some(_place) = server.gate.enter(peer, &connection) else {
            connection.close(code(Close::TooMuch), b"too many connections");
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
            return self.tell(&Event::Refused {
                peer: Some(peer),
                address,
                reason: "too many connections",
            });
        };
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        self.tell(&Event::Connected { peer, address });
        let session = Arc::new(Session {
            conduct: Mutex::new(Conduct::new(self.budget, self.started.elapsed())),
            server: self.clone(),
            connection: connection.clone(),
            peer,
            hello: OnceLock::new(),
            long_request: Semaphore::new(1),
            turn: Semaphore::new(1),
            requests: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
        });
        let reason = loop {
            match connection.accept_bi().await {
                Ok((out, asked)) => drop(tokio::spawn(session.clone().attend(out, asked))),
                Err(reason) => break reason,
            }
        };
        self.tell(&Event::Disconnected {
            peer,
            address,
            reason: reason.to_string(),
            sent_bytes: session.sent_bytes.load(Ordering::Relaxed),
            requests: session.requests.load(Ordering::Relaxed),
        });
    }
}

fn code(close: Close) -> quinn::VarInt {
    quinn::VarInt::from_u32(close as u32)
}

impl Session {
    async fn attend(self: Arc<Self>, out: SendStream, asked: RecvStream) {
        let counters = &self.server.counters;
        counters.requests.fetch_add(1, Ordering::Relaxed);
        counters.under_way.fetch_add(1, Ordering::Relaxed);
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
        if let Ending::Close(close, reason) = ending {
            self.connection.close(code(close), reason.as_bytes());
        }
    }

    fn conduct(&self) -> std::sync::MutexGuard<'_, Conduct> {
        self.conduct.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, out: SendStream, asked: RecvStream) -> Ending {
        let frame = match tokio::time::timeout(STALL, self.read(asked)).await {
            Ok(Ok(frame)) => frame,
            Ok(Err(NotRead::Malformed)) => return self.malformed(out).await,
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
            Err(_) => return self.malformed(out).await,
        };
        if self.server.is_stopping.load(Ordering::Relaxed) {
            let refusal = Refusal::new(RefusalCode::ShuttingDown, "shutting down");
            return self.refuse(out, refusal).await;
        }
        if let Request::Hello(hello) = &request {
            let _ = self.hello.set(hello.clone());
        }
        let Some(hello) = self.hello.get() else {
            return self.malformed(out).await;
        };
        let asking = Asking {
            peer: self.peer,
            hello: hello.clone(),
            showing: self.server.showing,
            access: self.server.access,
        };
        self.send(out, request, asking).await
    }

    async fn malformed(&self, out: SendStream) -> Ending {
        let refusal = Refusal::new(RefusalCode::Malformed, "malformed request");
        let _ = self.refuse(out, refusal).await;
        Ending::Close(Close::Malformed, "malformed request")
    }

    async fn refuse(&self, mut out: SendStream, refusal: Refusal) -> Ending {
        let bytes = Answer::Refusal(refusal).encode();
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

    async fn send(&self, mut out: SendStream, request: Request, asking: Asking) -> Ending {
        let started = host::instant();
        // With many peers, memory is for one record of each; the lines are busy anyway.
        let is_crowded = self.server.gate.len() >= CROWD;
        let _turn = match matches!(request, Request::PullChunk(_)) && is_crowded {
            true => Some(self.turn.acquire().await),
            false => None,
        };
        let registry = self.server.registry.clone();
        let name = name_of(&request);
        let begun = tokio::task::spawn_blocking(move || {
            let mut answering = registry.answer(&request, &asking);
            let first = answering.next();
            (answering, first)
        });
        let mut bytes = 0;
        let mut next = begun.await;
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
                break;
            };
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
                let mut answering: Answering = answering;
                let answer = answering.next();
                (answering, answer)
            })
            .await;
        }
        self.sent(name, bytes, started)
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

fn name_of(request: &Request) -> &'static str {
    match request {
        Request::Hello(_) => "hello",
        Request::List(_) => "list",
        Request::Reconcile(_) => "reconcile",
        Request::PullNode(_) => "nodes",
        Request::PullChunk(_) => "chunks",
        Request::PullCard(_) => "card",
        Request::Announce { .. } => "announce",
        Request::Seams(_) => "seams",
    }
}
