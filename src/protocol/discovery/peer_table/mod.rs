//! Who was seen on the LAN, and where. What is seen is a claim that anybody can make; what a
//! handshake has shown is proven, and no claim takes that away. Normative: `spec/discovery.md`.

mod entry;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use crate::ident::NodeId;
use crate::protocol::discovery::peer_table::entry::Entry;
use crate::protocol::discovery::peer_table::entry::reach;
use crate::protocol::discovery::service_record::ServiceRecord;
use crate::protocol::transfer::rate_limit::RateLimit;
use crate::protocol::transfer::rate_limit::RateLimiter;
use crate::wire::limits::CALLERS_PER_HOST_MAX;
use crate::wire::limits::NODES_SEEN_MAX;

/// How fast nodes that were not seen before come in.
const NEWCOMERS: RateLimit = RateLimit {
    concurrent: 1,
    per_second: 4,
    burst: 256,
};

/// How fast nodes that were not there before may call.
const CALLERS: RateLimit = NEWCOMERS;

/// Addresses of one claim that are looked at.
const CLAIMED_MAX: usize = 64;

/// What became of a sighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A node that was not there before.
    New,
    /// The node says something else, or has an address more.
    Changed,
    /// Nothing new.
    Same,
    /// It is this node itself, nobody can be at its addresses, or there is no room or no time.
    Refused,
}

/// A node that was seen or proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Who it is, or claims to be.
    pub node: NodeId,
    /// What it said last; `None` where it was proven and never seen.
    pub sighting: Option<ServiceRecord>,
    /// Where it may be, the best first.
    pub addresses: Vec<SocketAddr>,
    /// When it was last seen or proven.
    pub last_seen: Duration,
    /// Whether a handshake has shown its key at one of the addresses.
    pub is_proven: bool,
    /// Whether somebody said since then that it left.
    pub has_left: bool,
}

/// A bounded table of nodes. Moments are counted from any fixed one.
#[derive(Clone, Debug)]
pub struct PeerTable {
    own: Option<NodeId>,
    nodes: BTreeMap<NodeId, Entry>,
    newcomers: RateLimiter,
    callers: RateLimiter,
    /// When nodes were last said to have left: who was found there before is not back by that.
    farewells: BTreeMap<NodeId, Duration>,
}

impl PeerTable {
    /// An empty table of a node that leaves itself out.
    pub fn new(own: Option<NodeId>, now: Duration) -> Self {
        Self {
            own,
            nodes: BTreeMap::new(),
            newcomers: RateLimiter::new(NEWCOMERS, now),
            callers: RateLimiter::new(CALLERS, now),
            farewells: BTreeMap::new(),
        }
    }

    /// Takes note of a claim.
    pub fn saw(
        &mut self,
        now: Duration,
        sighting: ServiceRecord,
        addresses: &[SocketAddr],
    ) -> Seen {
        let node = sighting.node;
        let mut usable = Vec::new();
        for address in addresses.iter().take(CLAIMED_MAX).copied() {
            if is_usable(&address) && !usable.contains(&address) {
                usable.push(address);
            }
        }
        if self.own == Some(node) || usable.is_empty() {
            return Seen::Refused;
        }
        // The best, should there be more of them than places.
        usable.sort_by_key(|address| (reach(address), *address));
        if let Some(entry) = self.nodes.get_mut(&node) {
            return entry.saw(now, sighting, &usable);
        }
        // The rate first: looking for room costs more.
        if !within(&mut self.newcomers, now) || !self.has_room() {
            return Seen::Refused;
        }
        self.make_room();
        let mut entry = Entry::new(now);
        entry.sighting = Some(sighting);
        for address in usable {
            entry.claim(now, address);
        }
        self.nodes.insert(node, entry);
        Seen::New
    }

    /// Somebody said that a node left. One that was never proven is forgotten.
    pub fn gone(&mut self, now: Duration, node: &NodeId) {
        if self.farewells.len() < NODES_SEEN_MAX || self.farewells.contains_key(node) {
            self.farewells.insert(*node, now);
        }
        match self.nodes.get_mut(node) {
            Some(entry) if entry.is_proven() => entry.has_left = true,
            _ => drop(self.nodes.remove(node)),
        }
    }

    /// A handshake had shown the key of a node at an address at this moment. Word of it may come after that the node
    /// has left.
    pub fn proven(&mut self, now: Duration, node: NodeId, address: SocketAddr) {
        let left = self.farewells.get(&node);
        let has_left = left.is_some_and(|left| *left >= now);
        let is_new = !self.nodes.contains_key(&node);
        if self.own == Some(node) || (has_left && is_new) {
            return;
        }
        if is_new {
            self.make_room();
        }
        let entry = self.nodes.entry(node).or_insert_with(|| Entry::new(now));
        entry.last_seen = entry.last_seen.max(now);
        entry.has_left &= has_left;
        entry.prove(now, address);
    }

    /// A node that has proven its key called, and says that it serves at an address. Whether it
    /// was not known to be there. Keys cost nothing: of those who call from one host and were
    /// never found where they say, a few are kept in mind.
    pub fn called(&mut self, now: Duration, node: NodeId, address: SocketAddr) -> bool {
        if self.own == Some(node) || !is_usable(&address) {
            return false;
        }
        let is_new = !self.nodes.contains_key(&node);
        if is_new {
            if !within(&mut self.callers, now) || !self.make_room_at(address.ip()) {
                return false;
            }
            self.make_room();
        }
        let entry = self.nodes.entry(node).or_insert_with(|| Entry::new(now));
        entry.is_caller |= is_new;
        let is_back = entry.has_left;
        entry.last_seen = entry.last_seen.max(now);
        entry.has_left = false;
        // It knows better than whoever claims things about it.
        entry.make_room_for(&address);
        entry.claim(now, address);
        is_new || is_back
    }

    /// Whether somebody else may have called from a host; who was tried there in vain goes for it.
    fn make_room_at(&mut self, host: IpAddr) -> bool {
        let is_at = |e: &Entry| e.places.iter().any(|p| p.address.ip() == host);
        let is_there = |e: &Entry| e.is_caller && !e.is_proven() && is_at(e);
        let there = self.nodes.iter().filter(|(_, e)| is_there(e));
        if there.clone().count() < CALLERS_PER_HOST_MAX {
            return true;
        }
        let hopeless = there.filter(|(_, e)| e.is_hopeless());
        let oldest = hopeless.min_by_key(|(_, e)| e.last_seen);
        let oldest = oldest.map(|(node, _)| *node);
        oldest.is_some_and(|node| self.nodes.remove(&node).is_some())
    }

    /// Whether a node is there at all.
    pub fn knows(&self, node: &NodeId) -> bool {
        self.nodes.contains_key(node)
    }

    /// Nobody, or somebody else, was at an address of a node.
    pub fn failed(&mut self, now: Duration, node: &NodeId, address: &SocketAddr) {
        let places = self.nodes.get_mut(node).map(|e| &mut e.places);
        let place = places.and_then(|all| all.iter_mut().find(|p| p.address == *address));
        if let Some(place) = place {
            place.failed = Some(now);
        }
    }

    /// Where to try a node, the best place first.
    pub fn candidates(&self, node: &NodeId) -> Vec<SocketAddr> {
        self.nodes.get(node).map_or_else(Vec::new, Entry::addresses)
    }

    /// Everybody, by node id.
    pub fn list(&self) -> Vec<Neighbour> {
        let neighbour = |(node, entry): (&NodeId, &Entry)| Neighbour {
            node: *node,
            sighting: entry.sighting.clone(),
            addresses: entry.addresses(),
            last_seen: entry.last_seen,
            is_proven: entry.is_proven(),
            has_left: entry.has_left,
        };
        self.nodes.iter().map(neighbour).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Forgets nodes neither seen nor proven, and addresses not claimed, for as long as `ttl`.
    /// Who was forgotten. A proven address stays as long as its node.
    pub fn expire(&mut self, now: Duration, ttl: Duration) -> Vec<NodeId> {
        let is_over = |moment: Duration| now.saturating_sub(moment) >= ttl;
        let mut forgotten = Vec::new();
        self.farewells.retain(|_, left| !is_over(*left));
        self.nodes.retain(|node, entry| {
            entry.places.retain(|p| p.is_proven || !is_over(p.seen));
            let stays = !is_over(entry.last_seen) && !entry.places.is_empty();
            if !stays {
                forgotten.push(*node);
            }
            stays
        });
        forgotten
    }

    /// Whether a claim may have a place.
    fn has_room(&self) -> bool {
        self.nodes.len() < NODES_SEEN_MAX || self.nodes.values().any(Entry::is_hopeless)
    }

    /// Frees a place where all are taken: of who was tried in vain, of who was only claimed, of
    /// who was proven longest ago. Claims come here only where the first is there.
    fn make_room(&mut self) {
        if self.nodes.len() < NODES_SEEN_MAX {
            return;
        }
        let worth = |(_, e): &(&NodeId, &Entry)| (!e.is_hopeless(), e.is_proven(), e.last_seen);
        if let Some(least) = self.nodes.iter().min_by_key(worth).map(|(node, _)| *node) {
            self.nodes.remove(&least);
        }
    }
}

fn within(conduct: &mut RateLimiter, now: Duration) -> bool {
    let is_within = conduct.begin(now);
    if is_within {
        conduct.end();
    }
    is_within
}

/// Whether a node can be at an address at all.
fn is_usable(address: &SocketAddr) -> bool {
    let is_somebodys = match address {
        SocketAddr::V4(at) => !at.ip().is_broadcast(),
        SocketAddr::V6(at) => {
            let is_nowhere = at.ip().is_unicast_link_local() && at.scope_id() == 0;
            at.ip().to_ipv4_mapped().is_none() && !is_nowhere
        }
    };
    let ip = address.ip();
    is_somebodys && address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast()
}
