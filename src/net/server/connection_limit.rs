//! Connection limits: the open connections, their number, and the choice of those that give way.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use quinn::Connection;

use crate::ident::NodeId;
use crate::locks::lock;
use crate::net::quic::endpoint::KEEP_ALIVE;
use crate::net::quic::endpoint::send_window;
use crate::registry::host;

/// Maximum number of connections.
const CONNECTIONS_MAX: usize = 512;
/// Maximum number of connections of one peer.
const CONNECTIONS_PER_PEER_MAX: usize = 8;
/// New connections of one peer that wait for an old one to give way.
const WAITING_PER_PEER_MAX: usize = 8;
/// Time without packets after which a connection counts as dead where its slot is wanted, although its
/// client sends keep-alives every second.
const SILENT: Duration = KEEP_ALIVE.saturating_mul(3);
/// Time without a running request after which a connection may give way.
const IDLE: Duration = Duration::from_secs(1);
/// Interval of the samples of each connection's traffic.
pub(crate) const SAMPLING: Duration = Duration::from_millis(500);
/// Time that a new connection waits for an old one to give way: long enough for the connection of a
/// killed client to count as dead.
pub(crate) const WAIT: Duration = Duration::from_secs(5);

/// The connections of a serving node.
#[derive(Debug, Default)]
pub(crate) struct ConnectionLimiter {
    inside: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    next: u64,
    connections: HashMap<u64, OpenConnection>,
    waiting: HashMap<NodeId, usize>,
}

/// An admitted connection.
#[derive(Debug)]
struct OpenConnection {
    peer: NodeId,
    connection: Connection,
    under_way: Arc<AtomicU64>,
    /// Datagrams received so far, and the time when the last of them was noticed.
    received: (u64, Instant),
    /// The last time a running request was seen.
    busy: Instant,
}

impl OpenConnection {
    fn sample(&mut self, now: Instant) {
        let datagrams = self.connection.stats().udp_rx.datagrams;
        if datagrams != self.received.0 {
            self.received = (datagrams, now);
        }
        if self.under_way.load(Ordering::Relaxed) > 0 {
            self.busy = now;
        }
    }

    /// Returns the connection's rank for giving way: dead ones first, then those idle longest. `None` if
    /// it must not.
    fn eviction_rank(&self, now: Instant) -> Option<(bool, Duration)> {
        let silent = now.saturating_duration_since(self.received.1);
        let idle = now.saturating_duration_since(self.busy);
        match (silent >= SILENT, idle >= IDLE) {
            (true, _) => Some((true, silent)),
            (false, true) => Some((false, idle)),
            (false, false) => None,
        }
    }
}

/// The slot of a connection, until it is dropped.
pub(crate) struct Permit<'a> {
    connection_limiter: &'a ConnectionLimiter,
    number: u64,
    /// Running requests on it.
    pub(crate) under_way: Arc<AtomicU64>,
}

/// The result of a request for a slot.
pub(crate) enum Admission<'a> {
    /// Admitted. The caller closes the given connection of the same peer, which gives way.
    In(Permit<'a>, Option<Connection>),
    /// The peer is at its limit with busy connections. The caller may wait.
    Full,
    /// All slots are taken.
    NoRoom,
}

/// A waiting connection, until it is dropped.
pub(crate) struct WaitTicket<'a> {
    connection_limiter: &'a ConnectionLimiter,
    peer: NodeId,
}

impl ConnectionLimiter {
    /// Returns true if there is room for one more connection of any peer, beside those
    /// in their handshake.
    pub(crate) fn has_room(&self, in_handshake: usize) -> bool {
        self.open().connections.len() + in_handshake < CONNECTIONS_MAX
    }

    /// Returns the number of connections.
    pub(crate) fn len(&self) -> usize {
        self.open().connections.len()
    }

    /// Samples the traffic of each connection.
    pub(crate) fn sample(&self) {
        let now = host::instant();
        let mut inside = self.open();
        inside.connections.values_mut().for_each(|i| i.sample(now));
    }

    /// Admits a connection. Where its peer is at its limit, one gives way that is dead, or idle longest.
    /// The send window of each shrinks as their number grows.
    pub(crate) fn enter(&self, peer: NodeId, connection: &Connection) -> Admission<'_> {
        let now = host::instant();
        let mut inside = self.open();
        let mut own = Vec::new();
        for (number, inmate) in &mut inside.connections {
            if inmate.peer == peer {
                inmate.sample(now);
                own.push((inmate.eviction_rank(now), *number));
            }
        }
        let mut leaving = None;
        if own.len() >= CONNECTIONS_PER_PEER_MAX {
            let first = own.into_iter().filter(|(way, _)| way.is_some()).max();
            let Some((_, number)) = first else {
                return Admission::Full;
            };
            // Its slot is free at once, whenever its end comes.
            leaving = inside.connections.remove(&number).map(|i| i.connection);
        }
        if inside.connections.len() >= CONNECTIONS_MAX {
            return Admission::NoRoom;
        }
        let number = inside.next;
        inside.next += 1;
        let under_way = Arc::new(AtomicU64::new(0));
        let inmate = OpenConnection {
            peer,
            connection: connection.clone(),
            under_way: under_way.clone(),
            received: (connection.stats().udp_rx.datagrams, now),
            busy: now,
        };
        inside.connections.insert(number, inmate);
        divide_send_window(&inside);
        let place = Permit {
            connection_limiter: self,
            number,
            under_way,
        };
        Admission::In(place, leaving)
    }

    /// Enters the waiting line of a peer; `None` where it is full.
    pub(crate) fn wait(&self, peer: NodeId) -> Option<WaitTicket<'_>> {
        let mut inside = self.open();
        let waiting = inside.waiting.entry(peer).or_default();
        if *waiting >= WAITING_PER_PEER_MAX {
            return None;
        }
        *waiting += 1;
        Some(WaitTicket {
            connection_limiter: self,
            peer,
        })
    }

    /// Returns the datagrams received so far on connections with running requests.
    pub(crate) fn received(&self) -> u64 {
        let inside = self.open();
        let all = inside.connections.values();
        let at_work = all.filter(|i| i.under_way.load(Ordering::Relaxed) > 0);
        let datagrams = at_work.map(|i| i.connection.stats().udp_rx.datagrams);
        datagrams.sum()
    }

    /// Returns all connected peers.
    pub(crate) fn peers(&self) -> Vec<NodeId> {
        let inside = self.open();
        let mut peers: Vec<NodeId> = inside.connections.values().map(|i| i.peer).collect();
        peers.sort_unstable();
        peers.dedup();
        peers
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        lock(&self.inside)
    }
}

fn divide_send_window(inside: &OpenConnections) {
    let window = send_window(inside.connections.len());
    for inmate in inside.connections.values() {
        inmate.connection.set_send_window(window);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut inside = self.connection_limiter.open();
        inside.connections.remove(&self.number);
        divide_send_window(&inside);
    }
}

impl Drop for WaitTicket<'_> {
    fn drop(&mut self) {
        let mut inside = self.connection_limiter.open();
        if let Some(waiting) = inside.waiting.get_mut(&self.peer) {
            *waiting -= 1;
            if *waiting == 0 {
                inside.waiting.remove(&self.peer);
            }
        }
    }
}
