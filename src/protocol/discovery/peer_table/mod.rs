//! Peer table: the nodes seen on the LAN, and their addresses.
//! An announcement is a claim that anybody can make. A handshake proves an address, and no claim removes
//! a proven one. Normative: `spec/discovery.md`.

pub(in crate::protocol) mod claim;
mod entry;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use crate::ident::NodeId;
use crate::protocol::discovery::peer_table::claim::ClaimOutcome;
use crate::protocol::discovery::peer_table::claim::admits;
use crate::protocol::discovery::peer_table::entry::Entry;
use crate::protocol::discovery::peer_table::entry::reach;
use crate::protocol::discovery::service_record::ServiceRecord;
use crate::protocol::transfer::rate_limit::RateLimit;
use crate::protocol::transfer::rate_limit::RateLimiter;
use crate::wire::limits::CALLERS_PER_HOST_MAX;
use crate::wire::limits::NODES_SEEN_MAX;

/// Rate at which unknown nodes enter the table by their announcements.
const NEWCOMERS: RateLimit = RateLimit {
    concurrent: 1,
    per_second: 4,
    burst: 256,
};

/// Rate at which unknown nodes enter the table by calls.
const CALLERS: RateLimit = NEWCOMERS;

/// Number of addresses read of one claim.
const CLAIMED_MAX: usize = 64;

/// A node in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownNode {
    /// The node id, claimed or proven.
    pub node: NodeId,
    /// The last announced record; `None` for a node that was proven but never announced itself.
    pub record: Option<ServiceRecord>,
    /// The known addresses, the best first.
    pub addresses: Vec<SocketAddr>,
    /// The time when the node was last seen or proven.
    pub last_seen: Duration,
    /// Set if a handshake proved the node's key at one of the addresses.
    pub is_proven: bool,
    /// Set if a farewell of the node arrived since then.
    pub has_left: bool,
}

/// A bounded table of nodes. Times count from any fixed moment.
#[derive(Clone, Debug)]
pub struct PeerTable {
    own: Option<NodeId>,
    nodes: BTreeMap<NodeId, Entry>,
    newcomers: RateLimiter,
    callers: RateLimiter,
    /// Times of the last farewells. A handshake before a node's farewell does not bring it back.
    farewells: BTreeMap<NodeId, Duration>,
}

impl PeerTable {
    /// Makes an empty table. It never holds the node `own`.
    pub fn new(own: Option<NodeId>, now: Duration) -> Self {
        Self {
            own,
            nodes: BTreeMap::new(),
            newcomers: RateLimiter::new(NEWCOMERS, now),
            callers: RateLimiter::new(CALLERS, now),
            farewells: BTreeMap::new(),
        }
    }

    /// Enters a claim.
    pub fn record_claim(
        &mut self,
        now: Duration,
        record: ServiceRecord,
        addresses: &[SocketAddr],
    ) -> ClaimOutcome {
        let node = record.node;
        let mut usable = Vec::new();
        for address in addresses.iter().take(CLAIMED_MAX).copied() {
            if is_usable(&address) && !usable.contains(&address) {
                usable.push(address);
            }
        }
        if self.own == Some(node) || usable.is_empty() {
            return ClaimOutcome::Refused;
        }
        // The best first, in case there are more addresses than slots.
        usable.sort_by_key(|address| (reach(address), *address));
        if let Some(entry) = self.nodes.get_mut(&node) {
            return entry.record_claim(now, record, &usable);
        }
        // The rate comes first, because the search for room costs more.
        if !admits(&mut self.newcomers, now) || !self.has_room() {
            return ClaimOutcome::Refused;
        }
        self.make_room();
        let mut entry = Entry::new(now);
        entry.record = Some(record);
        for address in usable {
            entry.claim(now, address);
        }
        self.nodes.insert(node, entry);
        ClaimOutcome::New
    }

    /// Enters a node's farewell. It forgets a node that was never proven.
    pub fn record_farewell(&mut self, now: Duration, node: &NodeId) {
        if self.farewells.len() < NODES_SEEN_MAX || self.farewells.contains_key(node) {
            self.farewells.insert(*node, now);
        }
        match self.nodes.get_mut(node) {
            Some(entry) if entry.is_proven() => entry.has_left = true,
            _ => drop(self.nodes.remove(node)),
        }
    }

    /// Enters an address that a handshake proved at this moment. The report may arrive after
    /// the node's farewell.
    pub fn record_proof(&mut self, now: Duration, node: NodeId, address: SocketAddr) {
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

    /// Enters an address that a calling node states as its own, and returns true if the node
    /// was unknown there.
    /// Keys cost nothing. So the table keeps only a few nodes of one host that called and never answered
    /// at their stated address.
    pub fn record_call(&mut self, now: Duration, node: NodeId, address: SocketAddr) -> bool {
        if self.own == Some(node) || !is_usable(&address) {
            return false;
        }
        let is_new = !self.nodes.contains_key(&node);
        if is_new {
            if !admits(&mut self.callers, now) || !self.make_room_at(address.ip()) {
                return false;
            }
            self.make_room();
        }
        let entry = self.nodes.entry(node).or_insert_with(|| Entry::new(now));
        entry.is_caller |= is_new;
        let is_back = entry.has_left;
        entry.last_seen = entry.last_seen.max(now);
        entry.has_left = false;
        // The node knows its address better than the author of a claim.
        entry.make_room_for(&address);
        entry.claim(now, address);
        is_new || is_back
    }

    /// Frees room for another caller of a host: an entry whose addresses failed gives way.
    fn make_room_at(&mut self, host: IpAddr) -> bool {
        let is_at = |e: &Entry| e.slots.iter().any(|p| p.address.ip() == host);
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

    /// Returns true if the table holds a node.
    pub fn contains(&self, node: &NodeId) -> bool {
        self.nodes.contains_key(node)
    }

    /// Enters a failure: no node, or another one, answered at an address.
    pub fn record_failure(&mut self, now: Duration, node: &NodeId, address: &SocketAddr) {
        let slots = self.nodes.get_mut(node).map(|e| &mut e.slots);
        let slot = slots.and_then(|all| all.iter_mut().find(|p| p.address == *address));
        if let Some(slot) = slot {
            slot.failed = Some(now);
        }
    }

    /// Returns the addresses of a node in the order to try them.
    pub fn candidates(&self, node: &NodeId) -> Vec<SocketAddr> {
        self.nodes.get(node).map_or_else(Vec::new, Entry::addresses)
    }

    /// Returns all nodes, by node id.
    pub fn list(&self) -> Vec<KnownNode> {
        let known = |(node, entry): (&NodeId, &Entry)| KnownNode {
            node: *node,
            record: entry.record.clone(),
            addresses: entry.addresses(),
            last_seen: entry.last_seen,
            is_proven: entry.is_proven(),
            has_left: entry.has_left,
        };
        self.nodes.iter().map(known).collect()
    }

    /// Returns the number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns true if the table is empty.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Forgets nodes not seen or proven within `ttl`, and addresses not claimed within it. A proven
    /// address stays with its node. Returns the forgotten nodes.
    pub fn expire(&mut self, now: Duration, ttl: Duration) -> Vec<NodeId> {
        let is_over = |moment: Duration| now.saturating_sub(moment) >= ttl;
        let mut forgotten = Vec::new();
        self.farewells.retain(|_, left| !is_over(*left));
        self.nodes.retain(|node, entry| {
            entry.slots.retain(|p| p.is_proven || !is_over(p.seen));
            let stays = !is_over(entry.last_seen) && !entry.slots.is_empty();
            if !stays {
                forgotten.push(*node);
            }
            stays
        });
        forgotten
    }

    /// Returns true if the table has room for a claimed node.
    fn has_room(&self) -> bool {
        self.nodes.len() < NODES_SEEN_MAX || self.nodes.values().any(Entry::is_hopeless)
    }

    /// Frees a slot where all are taken. Failed nodes go first, then claimed ones, then the one that was
    /// proven longest ago. For a claim, only a failed node gives way.
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

/// Returns true if a node can be at this address.
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
