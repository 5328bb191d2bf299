//! Who is connected, how many may be, and who gives way to whom.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use quinn::Connection;

use crate::ident::NodeId;
use crate::net::quic::endpoint::KEEP_ALIVE;
use crate::net::quic::endpoint::send_window;
use crate::registry::host;

/// Connections in all.
const CONNECTIONS_MAX: usize = 512;
/// Connections of one peer.
const CONNECTIONS_PER_PEER_MAX: usize = 8;
/// New connections of one peer that wait for one of its old ones to give way.
const WAITING_PER_PEER_MAX: usize = 8;
/// Nothing came over a connection for this long, although its client says every second that it is
/// there: it counts as dead where its place is wanted.
const SILENT: Duration = KEEP_ALIVE.saturating_mul(3);
/// No request was under way on a connection for this long: it may give way too.
const IDLE: Duration = Duration::from_secs(1);
/// How often somebody looks what came over each connection.
pub(crate) const SAMPLING: Duration = Duration::from_millis(500);
/// How long a new connection waits for an old one to give way: until a connection whose client was
/// killed a moment ago counts as dead.
pub(crate) const WAIT: Duration = Duration::from_secs(5);

/// The connections of a serving node.
#[derive(Debug, Default)]
pub(crate) struct ConnectionLimiter {
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    next: u64,
    connections: HashMap<u64, Inmate>,
    waiting: HashMap<NodeId, usize>,
}

/// A connection that was let in.
#[derive(Debug)]
struct Inmate {
    peer: NodeId,
    connection: Connection,
    under_way: Arc<AtomicU64>,
    /// Datagrams that came so far, and when the last of them was noticed.
    heard: (u64, Instant),
    /// When a request was seen under way last.
    busy: Instant,
}

impl Inmate {
    fn sample(&mut self, now: Instant) {
        let datagrams = self.connection.stats().udp_rx.datagrams;
        if datagrams != self.heard.0 {
            self.heard = (datagrams, now);
        }
        if self.under_way.load(Ordering::Relaxed) > 0 {
            self.busy = now;
        }
    }

    /// Whether it may give way, and how gladly: those that are dead first, then those that were
    /// idle longest.
    fn gives_way(&self, now: Instant) -> Option<(bool, Duration)> {
        let silent = now.saturating_duration_since(self.heard.1);
        let idle = now.saturating_duration_since(self.busy);
        match (silent >= SILENT, idle >= IDLE) {
            (true, _) => Some((true, silent)),
            (false, true) => Some((false, idle)),
            (false, false) => None,
        }
    }
}

/// Holds a connection's place until it is dropped.
pub(crate) struct Permit<'a> {
    gate: &'a ConnectionLimiter,
    number: u64,
    /// Requests under way on it.
    pub(crate) under_way: Arc<AtomicU64>,
}

/// What became of a wish to come in.
pub(crate) enum Entry<'a> {
    /// It is in. A connection of the same peer that has to go for it is closed by the caller.
    In(Permit<'a>, Option<Connection>),
    /// Its peer has as many as it may, all of them at work: it may wait.
    Full,
    /// There is no room for anybody.
    NoRoom,
}

/// Waits for a place until it is dropped.
pub(crate) struct Waiting<'a> {
    gate: &'a ConnectionLimiter,
    peer: NodeId,
}

impl ConnectionLimiter {
    /// Whether there is room for one more, whoever it is, beside those at the door.
    pub(crate) fn has_room(&self, at_the_door: usize) -> bool {
        self.inside().connections.len() + at_the_door < CONNECTIONS_MAX
    }

    /// How many are connected.
    pub(crate) fn len(&self) -> usize {
        self.inside().connections.len()
    }

    /// Notes what came over each connection.
    pub(crate) fn sample(&self) {
        let now = host::instant();
        let mut inside = self.inside();
        inside.connections.values_mut().for_each(|i| i.sample(now));
    }

    /// Lets a connection in. Where its peer has as many as it may, the one of them goes that is
    /// dead, or idle for longest. What each may have on its way shrinks as there are more.
    pub(crate) fn enter(&self, peer: NodeId, connection: &Connection) -> Entry<'_> {
        let now = host::instant();
        let mut inside = self.inside();
        let mut own = Vec::new();
        for (number, inmate) in &mut inside.connections {
            if inmate.peer == peer {
                inmate.sample(now);
                own.push((inmate.gives_way(now), *number));
            }
        }
        let mut leaving = None;
        if own.len() >= CONNECTIONS_PER_PEER_MAX {
            let first = own.into_iter().filter(|(way, _)| way.is_some()).max();
            let Some((_, number)) = first else {
                return Entry::Full;
            };
            // Its place is free at once, whenever its end comes.
            leaving = inside.connections.remove(&number).map(|i| i.connection);
        }
        if inside.connections.len() >= CONNECTIONS_MAX {
            return Entry::NoRoom;
        }
        let number = inside.next;
        inside.next += 1;
        let under_way = Arc::new(AtomicU64::new(0));
        let inmate = Inmate {
            peer,
            connection: connection.clone(),
            under_way: under_way.clone(),
            heard: (connection.stats().udp_rx.datagrams, now),
            busy: now,
        };
        inside.connections.insert(number, inmate);
        share_out(&inside);
        let place = Permit {
            gate: self,
            number,
            under_way,
        };
        Entry::In(place, leaving)
    }

    /// A place in the line of those of a peer that wait; `None` where it is long enough.
    pub(crate) fn wait(&self, peer: NodeId) -> Option<Waiting<'_>> {
        let mut inside = self.inside();
        let waiting = inside.waiting.entry(peer).or_default();
        if *waiting >= WAITING_PER_PEER_MAX {
            return None;
        }
        *waiting += 1;
        Some(Waiting { gate: self, peer })
    }

    /// Datagrams that came so far over the connections on which something is under way.
    pub(crate) fn heard(&self) -> u64 {
        let inside = self.inside();
        let all = inside.connections.values();
        let at_work = all.filter(|i| i.under_way.load(Ordering::Relaxed) > 0);
        let datagrams = at_work.map(|i| i.connection.stats().udp_rx.datagrams);
        datagrams.sum()
    }

    /// Everybody who is connected, once.
    pub(crate) fn peers(&self) -> Vec<NodeId> {
        let inside = self.inside();
        let mut peers: Vec<NodeId> = inside.connections.values().map(|i| i.peer).collect();
        peers.sort_unstable();
        peers.dedup();
        peers
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn share_out(inside: &Inside) {
    let window = send_window(inside.connections.len());
    for inmate in inside.connections.values() {
        inmate.connection.set_send_window(window);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        inside.connections.remove(&self.number);
        share_out(&inside);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        if let Some(waiting) = inside.waiting.get_mut(&self.peer) {
            *waiting -= 1;
            if *waiting == 0 {
                inside.waiting.remove(&self.peer);
            }
        }
    }
}
