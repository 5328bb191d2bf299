//! Who was seen on the LAN, and where. What is seen is a claim that anybody can make; what a
//! handshake has shown is proven, and no claim takes that away. Normative: `spec/discovery.md`.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use crate::ident::NodeId;
use crate::sync::conduct::Budget;
use crate::sync::conduct::Conduct;
use crate::sync::sighting::Sighting;
use crate::wire::limits::NODE_ADDRESSES_MAX;
use crate::wire::limits::NODES_SEEN_MAX;

/// How fast nodes that were not seen before come in.
const NEWCOMERS: Budget = Budget {
    concurrent: 1,
    per_second: 4,
    burst: 256,
};

/// How fast what one node claims changes. Addresses of one node come one by one at first.
const CHANGES: Budget = Budget {
    concurrent: 1,
    per_second: 1,
    burst: 16,
};

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
    pub sighting: Option<Sighting>,
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
pub struct Directory {
    own: Option<NodeId>,
    nodes: BTreeMap<NodeId, Entry>,
    newcomers: Conduct,
}

#[derive(Clone, Debug)]
struct Entry {
    sighting: Option<Sighting>,
    places: Vec<Place>,
    last_seen: Duration,
    changes: Conduct,
    has_left: bool,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    address: SocketAddr,
    seen: Duration,
    is_proven: bool,
    /// When it failed last, until it is proven again.
    failed: Option<Duration>,
}

impl Directory {
    /// An empty table of a node that leaves itself out.
    pub fn new(own: Option<NodeId>, now: Duration) -> Self {
        Self {
            own,
            nodes: BTreeMap::new(),
            newcomers: Conduct::new(NEWCOMERS, now),
        }
    }

    /// Takes note of a claim.
    pub fn saw(&mut self, now: Duration, sighting: Sighting, addresses: &[SocketAddr]) -> Seen {
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
    pub fn gone(&mut self, node: &NodeId) {
        match self.nodes.get_mut(node) {
            Some(entry) if entry.is_proven() => entry.has_left = true,
            _ => drop(self.nodes.remove(node)),
        }
    }

    /// A handshake has shown the key of a node at an address.
    pub fn proven(&mut self, now: Duration, node: NodeId, address: SocketAddr) {
        if self.own == Some(node) {
            return;
        }
        if !self.nodes.contains_key(&node) {
            self.make_room();
        }
        let entry = self.nodes.entry(node).or_insert_with(|| Entry::new(now));
        entry.last_seen = entry.last_seen.max(now);
        entry.has_left = false;
        entry.prove(now, address);
    }

    /// A node that has proven its key called, and says that it serves at an address. Whether it
    /// was not known to be there.
    pub fn called(&mut self, now: Duration, node: NodeId, address: SocketAddr) -> bool {
        if self.own == Some(node) || !is_usable(&address) {
            return false;
        }
        let is_new = !self.nodes.contains_key(&node);
        if is_new {
            self.make_room();
        }
        let entry = self.nodes.entry(node).or_insert_with(|| Entry::new(now));
        let is_back = entry.has_left;
        entry.last_seen = entry.last_seen.max(now);
        entry.has_left = false;
        entry.claim(now, address);
        is_new || is_back
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

impl Entry {
    fn new(now: Duration) -> Self {
        Self {
            sighting: None,
            places: Vec::new(),
            last_seen: now,
            changes: Conduct::new(CHANGES, now),
            has_left: false,
        }
    }

    fn saw(&mut self, now: Duration, sighting: Sighting, addresses: &[SocketAddr]) -> Seen {
        self.last_seen = self.last_seen.max(now);
        let mut is_backed = !self.is_proven();
        for place in &mut self.places {
            if addresses.contains(&place.address) {
                place.seen = place.seen.max(now);
                is_backed |= place.is_proven;
            }
        }
        // Of a proven node only who names a proven address may say something else, or that it
        // is here again.
        self.has_left &= !is_backed;
        let says_else = self.sighting.as_ref() != Some(&sighting);
        let says_else = says_else && (is_backed || self.sighting.is_none());
        let is_elsewhere = addresses.iter().any(|address| self.has_place_for(address));
        if !says_else && !is_elsewhere {
            return Seen::Same;
        }
        if !within(&mut self.changes, now) {
            return Seen::Refused;
        }
        if says_else {
            self.sighting = Some(sighting);
        }
        for address in addresses {
            self.claim(now, *address);
        }
        Seen::Changed
    }

    /// Whether a claimed address would be taken in.
    fn has_place_for(&self, address: &SocketAddr) -> bool {
        let is_there = self.places.iter().any(|p| p.address == *address);
        !is_there && (self.places.len() < NODE_ADDRESSES_MAX || self.failed_claim().is_some())
    }

    /// The claimed address that failed longest ago.
    fn failed_claim(&self) -> Option<usize> {
        let failed = self.places.iter().enumerate();
        let failed = failed.filter(|(_, p)| !p.is_proven && p.failed.is_some());
        failed.min_by_key(|(_, p)| p.failed).map(|(at, _)| at)
    }

    fn claim(&mut self, now: Duration, address: SocketAddr) {
        if !self.has_place_for(&address) {
            return;
        }
        if self.places.len() >= NODE_ADDRESSES_MAX
            && let Some(at) = self.failed_claim()
        {
            self.places.swap_remove(at);
        }
        self.places.push(Place {
            address,
            seen: now,
            is_proven: false,
            failed: None,
        });
    }

    fn prove(&mut self, now: Duration, address: SocketAddr) {
        self.places.retain(|p| p.address != address);
        if self.places.len() >= NODE_ADDRESSES_MAX {
            let worth = |(_, p): &(usize, &Place)| (p.is_proven, p.failed.is_none(), p.seen);
            let least = self.places.iter().enumerate().min_by_key(worth);
            if let Some(at) = least.map(|(at, _)| at) {
                self.places.swap_remove(at);
            }
        }
        self.places.push(Place {
            address,
            seen: now,
            is_proven: true,
            failed: None,
        });
    }

    fn is_proven(&self) -> bool {
        self.places.iter().any(|p| p.is_proven)
    }

    /// Whether it was tried everywhere in vain and never proven.
    fn is_hopeless(&self) -> bool {
        self.places
            .iter()
            .all(|p| !p.is_proven && p.failed.is_some())
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        let mut places = self.places.clone();
        places.sort_by_key(|p| {
            let reach = reach(&p.address);
            (p.failed, !p.is_proven, reach, Reverse(p.seen), p.address)
        });
        places.into_iter().map(|p| p.address).collect()
    }
}

fn within(conduct: &mut Conduct, now: Duration) -> bool {
    let is_within = conduct.begin(now);
    if is_within {
        conduct.end();
    }
    is_within
}

/// 1 for addresses that work on one link only, else 0.
fn reach(address: &SocketAddr) -> u8 {
    u8::from(match address.ip() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    })
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
