//! Connections to the nodes around, kept for a while: who is talked to once is often talked to
//! again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::ident::NodeId;
use crate::net::quic::peer::Net;
use crate::net::quic::peer::Peer;
use crate::registry::Error;
use crate::registry::host;

/// Connections that are kept at once.
const LINES_MAX: usize = 32;
/// How long one is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);

/// Connections by node.
pub(in crate::net::gossip) struct Lines {
    net: Net,
    held: Mutex<BTreeMap<NodeId, Held>>,
    /// Talks under way, by number.
    talks: Mutex<BTreeMap<u64, (Arc<Peer>, Instant)>>,
    next: AtomicU64,
}

/// A talk under way, until it is dropped.
pub(in crate::net::gossip) struct Talking<'a> {
    lines: &'a Lines,
    number: u64,
}

impl Drop for Talking<'_> {
    fn drop(&mut self) {
        self.lines.talks().remove(&self.number);
    }
}

struct Held {
    peer: Arc<Peer>,
    made: Instant,
    used: Instant,
}

impl Lines {
    pub(in crate::net::gossip) fn new(net: Net) -> Self {
        Self {
            net,
            held: Mutex::default(),
            talks: Mutex::default(),
            next: AtomicU64::new(0),
        }
    }

    /// A talk begins, which may be cut off.
    pub(in crate::net::gossip) fn talking(&self, peer: &Arc<Peer>) -> Talking<'_> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let begun = host::instant();
        self.talks().insert(number, (peer.clone(), begun));
        Talking {
            lines: self,
            number,
        }
    }

    /// Ends the connections of talks that take longer than this.
    pub(in crate::net::gossip) fn cut_off(&self, longest: Duration) {
        for (peer, begun) in self.talks().values() {
            if begun.elapsed() > longest {
                peer.hang_up();
            }
        }
    }

    /// A connection to a node, and when it was made: the one there is, or a new one to wherever it may be.
    ///
    /// # Errors
    /// [`Error::Peer`] when it is at none of the addresses.
    pub(in crate::net::gossip) fn to(
        &self,
        node: NodeId,
        at: Vec<SocketAddr>,
    ) -> Result<(Arc<Peer>, Instant), Error> {
        if let Some(held) = self.held().get_mut(&node)
            && held.peer.is_open()
        {
            held.used = host::instant();
            return Ok((held.peer.clone(), held.made));
        }
        // Not under the lock: it may take seconds.
        let peer = Arc::new(self.net.connect_found(node, at, &|| false)?);
        let mut held = self.held();
        if held.len() >= LINES_MAX {
            let oldest = held.iter().min_by_key(|(_, h)| h.used);
            let oldest = oldest.map(|(node, _)| *node);
            oldest.map(|node| held.remove(&node));
        }
        let made = host::instant();
        let kept = Held {
            peer: peer.clone(),
            made,
            used: made,
        };
        held.insert(node, kept);
        Ok((peer, made))
    }

    /// Ends what nobody has used for a while. Whose connections were ended by the other side.
    pub(in crate::net::gossip) fn sweep(&self) -> Vec<NodeId> {
        let mut ended = Vec::new();
        self.held().retain(|node, held| {
            let is_open = held.peer.is_open();
            ended.extend((!is_open).then_some(*node));
            is_open && held.used.elapsed() < IDLE
        });
        ended
    }

    /// Ends the connection to a node.
    pub(in crate::net::gossip) fn end(&self, node: &NodeId) {
        self.held().remove(node);
    }

    /// Ends all.
    pub(in crate::net::gossip) fn end_all(&self) {
        self.held().clear();
    }

    fn talks(&self) -> MutexGuard<'_, BTreeMap<u64, (Arc<Peer>, Instant)>> {
        self.talks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<NodeId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
