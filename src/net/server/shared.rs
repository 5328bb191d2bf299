//! State that all connections of a serving node share, and the codes with which they end.

use crate::ident::NodeId;
use crate::net::gossip::message::GossipMessage;
use crate::net::server::connection_limit::ConnectionLimiter;
use crate::net::server::event::Event;
use crate::net::server::event::Observer;
use crate::protocol::Access;
use crate::protocol::RateLimit;
use crate::registry::LocalRegistry;
use crate::registry::host;
use crate::registry::peers::Showing;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::time::Instant;
use tokio::sync::Semaphore;

/// Application error codes of a close; `spec/protocol.md`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CloseCode {
    Malformed = 1,
    TooMuch = 2,
    NotListed = 3,
    ShuttingDown = 4,
    Stalled = 5,
}

const LONG_REQUESTS: usize = 8;
/// Concurrent announcements: each holds a thread that others wait for.
const ANNOUNCEMENTS: usize = 2;

/// The state that all connections of a serving node share.
pub(crate) struct Server {
    pub(crate) registry: LocalRegistry,
    pub(crate) access: Access,
    pub(crate) showing: Showing,
    pub(crate) budget: RateLimit,
    pub(crate) connection_limiter: ConnectionLimiter,
    pub(crate) counters: Counters,
    pub(crate) observer: Arc<Observer>,
    pub(crate) is_stopping: AtomicBool,
    /// Running handshakes.
    pub(in crate::net::server) meeting: AtomicUsize,
    pub(crate) started: Instant,
    pub(crate) long_requests: Semaphore,
    pub(crate) announcements: Semaphore,
    /// Receiver of announcements by peers.
    neighbours: OnceLock<mpsc::SyncSender<GossipMessage>>,
}

/// Counters since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) under_way: AtomicU64,
    pub(crate) sent_bytes: AtomicU64,
    pub(crate) failed: AtomicU64,
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
            budget: RateLimit::default(),
            connection_limiter: ConnectionLimiter::default(),
            counters: Counters::default(),
            observer,
            is_stopping: AtomicBool::new(false),
            meeting: AtomicUsize::new(0),
            started: host::instant(),
            long_requests: Semaphore::new(LONG_REQUESTS),
            announcements: Semaphore::new(ANNOUNCEMENTS),
            neighbours: OnceLock::new(),
        }
    }

    pub(crate) fn report(&self, event: &Event) {
        tracing::debug!("{event:?}");
        (self.observer)(event);
    }

    /// Sends announcements of peers to this channel from now on.
    pub(crate) fn attach(&self, neighbours: mpsc::SyncSender<GossipMessage>) {
        let _ = self.neighbours.set(neighbours);
    }

    /// Reports an announcement of a peer.
    pub(crate) fn announced(&self) {
        if let Some(neighbours) = self.neighbours.get() {
            // If the channel is full, a waiting message has the same effect.
            let _ = neighbours.try_send(GossipMessage::PeerAnnounced);
        }
    }

    /// Reports that a peer serves at a port of its address.
    pub(crate) fn called(&self, peer: NodeId, from: SocketAddr, port: u16) {
        let mut at = from;
        at.set_port(port);
        let at = match at.ip().to_canonical() {
            // A link-local address needs its scope, so IPv6 stays as it is.
            IpAddr::V6(_) => at,
            v4 => SocketAddr::new(v4, port),
        };
        if let Some(neighbours) = self.neighbours.get() {
            let _ = neighbours.try_send(GossipMessage::Called(peer, at));
        }
    }
}

pub(crate) fn code(close: CloseCode) -> quinn::VarInt {
    quinn::VarInt::from_u32(close as u32)
}
