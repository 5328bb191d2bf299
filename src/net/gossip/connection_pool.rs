//! Connection pool: keeps connections to other nodes for a while, because a node often exchanges with
//! the same peers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::ident::NodeId;
use crate::locks::lock;
use crate::net::quic::peer::Net;
use crate::net::quic::peer::Peer;
use crate::registry::Error;
use crate::registry::host;

/// Maximum number of pooled connections.
const CONNECTIONS_MAX: usize = 32;
/// Time after which an unused connection is closed.
const IDLE: Duration = Duration::from_secs(60);

/// Time for which a node that failed is not asked for datasets; it doubles with each failure.
const PAUSE: Duration = Duration::from_secs(2);
/// Maximum of that pause.
const PAUSE_MAX: Duration = Duration::from_secs(120);

/// Connections by node.
pub(in crate::net::gossip) struct ConnectionPool {
    net: Net,
    pooled: Mutex<BTreeMap<NodeId, PooledConnection>>,
    /// Running exchanges, by number.
    exchanges: Mutex<BTreeMap<u64, (Arc<Peer>, Instant)>>,
    next: AtomicU64,
    failing: Mutex<BTreeMap<NodeId, Failing>>,
}

/// The failures of a node since it last answered.
struct Failing {
    failures: u32,
    paused_until: Instant,
}

/// A running exchange, until it is dropped.
pub(in crate::net::gossip) struct ExchangeGuard<'a> {
    connections: &'a ConnectionPool,
    number: u64,
}

impl Drop for ExchangeGuard<'_> {
    fn drop(&mut self) {
        self.connections.exchanges().remove(&self.number);
    }
}

struct PooledConnection {
    peer: Arc<Peer>,
    made: Instant,
    used: Instant,
}

impl ConnectionPool {
    pub(in crate::net::gossip) fn new(net: Net) -> Self {
        Self {
            net,
            pooled: Mutex::default(),
            exchanges: Mutex::default(),
            next: AtomicU64::new(0),
            failing: Mutex::default(),
        }
    }

    /// Registers an exchange that may be cut off.
    pub(in crate::net::gossip) fn begin_exchange(&self, peer: &Arc<Peer>) -> ExchangeGuard<'_> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let begun = host::instant();
        self.exchanges().insert(number, (peer.clone(), begun));
        ExchangeGuard {
            connections: self,
            number,
        }
    }

    /// Closes the connections of exchanges that run longer than this.
    pub(in crate::net::gossip) fn close_slow_exchanges(&self, longest: Duration) {
        for (peer, begun) in self.exchanges().values() {
            if begun.elapsed() > longest {
                peer.hang_up();
            }
        }
    }

    /// Returns a connection to a node and the time when it was made: the pooled one, or a new one to any
    /// of the addresses.
    ///
    /// # Errors
    /// [`Error::Peer`] when the node is at none of the addresses.
    pub(in crate::net::gossip) fn connect_to(
        &self,
        node: NodeId,
        at: Vec<SocketAddr>,
    ) -> Result<(Arc<Peer>, Instant), Error> {
        if let Some(pooled) = self.pooled().get_mut(&node)
            && pooled.peer.is_open()
        {
            pooled.used = host::instant();
            return Ok((pooled.peer.clone(), pooled.made));
        }
        // Without the lock, because it may take seconds.
        let peer = Arc::new(self.net.connect_found(node, at, &|| false)?);
        let mut pooled = self.pooled();
        if pooled.len() >= CONNECTIONS_MAX {
            let oldest = pooled.iter().min_by_key(|(_, h)| h.used);
            let oldest = oldest.map(|(node, _)| *node);
            oldest.map(|node| pooled.remove(&node));
        }
        let made = host::instant();
        let kept = PooledConnection {
            peer: peer.clone(),
            made,
            used: made,
        };
        pooled.insert(node, kept);
        Ok((peer, made))
    }

    /// Closes connections that are unused for a while. Returns the nodes whose side closed theirs.
    pub(in crate::net::gossip) fn close_idle(&self) -> Vec<NodeId> {
        let mut ended = Vec::new();
        self.pooled().retain(|node, pooled| {
            let is_open = pooled.peer.is_open();
            ended.extend((!is_open).then_some(*node));
            is_open && pooled.used.elapsed() < IDLE
        });
        ended
    }

    /// Closes the connection to a node that failed, because it may be the cause, and pauses the node.
    pub(in crate::net::gossip) fn record_failure(&self, node: NodeId) {
        self.pooled().remove(&node);
        let now = host::instant();
        let mut failing = lock(&self.failing);
        // Nodes that are tried no more are forgotten.
        failing.retain(|_, f| now.saturating_duration_since(f.paused_until) < PAUSE_MAX);
        let failures = failing.get(&node).map_or(0, |f| f.failures);
        let pause = PAUSE.saturating_mul(1 << failures.min(16)).min(PAUSE_MAX);
        let state = Failing {
            failures: failures + 1,
            paused_until: now + pause,
        };
        failing.insert(node, state);
    }

    /// Ends the pause of a node that answered.
    pub(in crate::net::gossip) fn record_answer(&self, node: &NodeId) {
        lock(&self.failing).remove(node);
    }

    /// Returns true while a node that failed is not to be asked.
    pub(in crate::net::gossip) fn is_paused(&self, node: &NodeId) -> bool {
        let now = host::instant();
        lock(&self.failing)
            .get(node)
            .is_some_and(|f| now < f.paused_until)
    }

    /// Closes all connections.
    pub(in crate::net::gossip) fn close_all(&self) {
        self.pooled().clear();
    }

    fn exchanges(&self) -> MutexGuard<'_, BTreeMap<u64, (Arc<Peer>, Instant)>> {
        lock(&self.exchanges)
    }

    fn pooled(&self) -> MutexGuard<'_, BTreeMap<NodeId, PooledConnection>> {
        lock(&self.pooled)
    }
}
