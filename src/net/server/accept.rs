//! Accepting peers: one task a connection.

use crate::ident::NodeId;
use crate::net::crypto;
use crate::net::quic::response_frames::STALL;
use crate::net::server::connection::DATA_ANSWERS;
use crate::net::server::connection::PeerSession;
use crate::net::server::connection_limit;
use crate::net::server::connection_limit::Admission;
use crate::net::server::connection_limit::Permit;
use crate::net::server::event::Event;
use crate::net::server::shared::CloseCode;
use crate::net::server::shared::Server;
use crate::net::server::shared::code;
use crate::net::state::access_list::AccessList;
use crate::protocol::Access;
use crate::protocol::RateLimiter;
use crate::registry::host;
use quinn::Connection;
use quinn::Endpoint;
use quinn::Incoming;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Number of connections from which addresses are validated before a handshake.
const RETRY_FROM: usize = 64;
/// Maximum time of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A running handshake, until it is dropped.
struct HandshakeGuard<'a>(&'a AtomicUsize);

impl Drop for HandshakeGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Server {
    /// Accepts connections until the endpoint is closed.
    pub(crate) async fn accept(self: Arc<Self>, endpoint: Endpoint) {
        while let Some(incoming) = endpoint.accept().await {
            let meeting = self.meeting.load(Ordering::Relaxed);
            if self.is_stopping.load(Ordering::Relaxed)
                || !self.connection_limiter.has_room(meeting)
            {
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
                incoming.refuse();
                continue;
            }
            if self.connection_limiter.len() + meeting >= RETRY_FROM
                && !incoming.remote_address_validated()
            {
                // A client with a forged address does not receive this.
                let _ = incoming.retry();
                continue;
            }
            self.meeting.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(self.clone().handshake(incoming));
        }
    }

    async fn handshake(self: Arc<Self>, incoming: Incoming) {
        let address = incoming.remote_address();
        let met = HandshakeGuard(&self.meeting);
        let refuse = |peer, reason| {
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
            self.report(&Event::Refused {
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
            connection.close(code(CloseCode::NotListed), b"no key");
            return refuse(None, "it showed no key");
        };
        if let Err((close, reason)) = self.admit(peer).await {
            connection.close(code(close), reason.as_bytes());
            return refuse(Some(peer), reason);
        }
        let Some(place) = self.take_slot(peer, &connection).await else {
            connection.close(code(CloseCode::TooMuch), b"too many connections");
            return refuse(Some(peer), "too many connections");
        };
        drop(met);
        self.attend((peer, address), &connection, &place).await;
    }

    /// Takes a slot for a connection. Where its peer is at its limit, an idle connection of it gives
    /// way, or this one waits a moment until one is known to be dead.
    async fn take_slot(&self, peer: NodeId, connection: &Connection) -> Option<Permit<'_>> {
        let begun = host::instant();
        let mut waiting = None;
        loop {
            match self.connection_limiter.enter(peer, connection) {
                Admission::In(place, leaving) => {
                    if let Some(leaving) = leaving {
                        let reason = b"a newer connection of yours took its place";
                        leaving.close(code(CloseCode::TooMuch), reason);
                    }
                    return Some(place);
                }
                Admission::NoRoom => return None,
                Admission::Full => {}
            }
            if waiting.is_none() {
                waiting = Some(self.connection_limiter.wait(peer)?);
            }
            let gone = connection.closed();
            let is_gone = tokio::time::timeout(connection_limit::SAMPLING / 2, gone)
                .await
                .is_ok();
            if is_gone || begun.elapsed() > connection_limit::WAIT {
                return None;
            }
        }
    }

    /// Samples the traffic of each connection, for as long as the node serves.
    pub(crate) async fn watch(self: Arc<Self>) {
        while !self.is_stopping.load(Ordering::Relaxed) {
            tokio::time::sleep(connection_limit::SAMPLING).await;
            self.connection_limiter.sample();
        }
    }

    async fn admit(&self, peer: NodeId) -> Result<(), (CloseCode, &'static str)> {
        if self.access == Access::Open {
            return Ok(());
        }
        let list = AccessList::of(&self.registry);
        let listed = tokio::task::spawn_blocking(move || list.all()).await;
        match listed {
            Ok(Ok(ids)) if ids.contains(&peer) => Ok(()),
            Ok(Ok(_)) => Err((CloseCode::NotListed, "not on the list")),
            // An unreadable list admits no node.
            _ => Err((CloseCode::NotListed, "the list cannot be read")),
        }
    }

    async fn attend(
        self: &Arc<Self>,
        (peer, address): (NodeId, SocketAddr),
        connection: &Connection,
        place: &Permit<'_>,
    ) {
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        self.report(&Event::Connected { peer, address });
        let session = Arc::new(PeerSession {
            limiter: Mutex::new(RateLimiter::new(self.budget, self.started.elapsed())),
            server: self.clone(),
            connection: connection.clone(),
            peer,
            hello: OnceLock::new(),
            long_request: Semaphore::new(1),
            announcement: Semaphore::new(1),
            data_answers: Arc::new(Semaphore::new(DATA_ANSWERS as usize)),
            under_way: place.under_way.clone(),
            requests: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
        });
        let begun = host::instant();
        let reason = loop {
            // A silent connection would take a slot from others.
            let patience = match session.hello.get() {
                Some(_) => Duration::MAX,
                None => STALL.saturating_sub(begun.elapsed()),
            };
            match tokio::time::timeout(patience, connection.accept_bi()).await {
                Ok(Ok((out, asked))) => drop(tokio::spawn(session.clone().attend(out, asked))),
                Ok(Err(reason)) => break reason,
                Err(_) if session.hello.get().is_none() => {
                    connection.close(code(CloseCode::Stalled), b"no hello");
                }
                Err(_) => {}
            }
        };
        self.report(&Event::Disconnected {
            peer,
            address,
            reason: reason.to_string(),
            sent_bytes: session.sent_bytes.load(Ordering::Relaxed),
            requests: session.requests.load(Ordering::Relaxed),
        });
    }
}
