//! Dispatch: starts the exchanges, pulls and removals that are due, and chooses the peers for them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::net::ToSocketAddrs as _;

use crate::catalog::DatasetSummary;
use crate::ident::ContentId;
use crate::ident::NodeId;
use crate::net::gossip::event_loop::GossipNode;
use crate::net::gossip::exchange::ExchangeContext;
use crate::net::gossip::message::GossipMessage;
use crate::net::gossip::message::catch_panic;
use crate::net::gossip::replicator::ASKED_MAX;
use crate::net::gossip::replicator::retire;
use crate::net::gossip::source_search::CandidateSource;
use crate::net::server::event::Event;
use crate::net::state::access_list::AccessList;
use crate::protocol::Access;
use crate::registry::peers::FollowPlan;
use crate::registry::peers::SourceState;
use crate::registry::peers::select;

impl GossipNode {
    /// Starts the exchanges that the schedule wants now.
    pub(in crate::net::gossip) fn start_exchanges(&mut self) {
        while let Some(exchange) = self.gossip.next(self.started.elapsed()) {
            let node = exchange.peer();
            if !self.may_exchange_with(&node) {
                self.gossip.remove_peer(&node);
                continue;
            }
            let context = ExchangeContext {
                registry: self.server.registry.clone(),
                connections: self.connections.clone(),
                showing: self.server.showing,
            };
            let at = self.known_addresses(&node);
            let wants_filter = self.unfiltered.contains(&node);
            let Some(inbox) = self.inbox.clone() else {
                return;
            };
            std::thread::spawn(move || context.perform(exchange, at, (wants_filter, &inbox)));
        }
    }

    /// Returns the addresses of a node: those where it was seen, and typed ones.
    fn known_addresses(&self, node: &NodeId) -> Vec<SocketAddr> {
        let mut at = self.peer_table.candidates(node);
        if let Some(typed) = self.typed.get(node)
            && let Ok(found) = (typed.host.as_str(), typed.port).to_socket_addrs()
        {
            at.extend(found);
        }
        at
    }

    /// Starts pulls of followed datasets that are not here.
    pub(in crate::net::gossip) fn start_pulls(&mut self) {
        let now = self.started.elapsed();
        if !self.replicator.is_due(now) {
            return;
        }
        let registry = self.server.registry.clone();
        let followed = match registry.peers().follow(&self.replicator.follow) {
            Ok(followed) => followed,
            Err(error) => {
                let what = format!("cannot read the followed datasets: {error}");
                return self.server.report(&Event::Trouble { what });
            }
        };
        let FollowPlan { wanted, retire } = followed;
        self.start_removals(retire);
        for wanted in self.replicator.next(now, wanted) {
            let peers = self.rank_sources(&wanted.content, &wanted.from);
            let pull_task =
                self.replicator
                    .pull_task(&registry, &self.connections, &self.is_stopping);
            let Some(inbox) = self.inbox.clone() else {
                return;
            };
            std::thread::spawn(move || pull_task.pull(wanted, peers, &inbox));
        }
    }

    /// Updates the schedule to the present peers.
    pub(in crate::net::gossip) fn sync_membership(&mut self) {
        let (peer_table, typed) = (&self.peer_table, &self.typed);
        let is_there = |node: &NodeId| peer_table.contains(node) || typed.contains_key(node);
        self.gossip.retain_peers(is_there);
        self.filters.keep(is_there);
        self.unfiltered.retain(is_there);
        // There may have been no room when they came.
        let listed = match self.server.access {
            Access::Open => None,
            Access::Listed => Some(AccessList::of(&self.server.registry).all()),
        };
        for node in self.peer_table.list().into_iter().map(|n| n.node) {
            let is_allowed = match &listed {
                None => true,
                Some(listed) => listed.as_ref().is_ok_and(|ids| ids.contains(&node)),
            };
            if is_allowed && !self.gossip.contains(&node) && !self.gossip.add_peer(node) {
                return;
            }
        }
    }

    /// Removes old versions on a thread of its own, because that may take a while.
    fn start_removals(&mut self, datasets: Vec<DatasetSummary>) {
        if datasets.is_empty() || self.replicator.is_retiring {
            return;
        }
        let Some(inbox) = self.inbox.clone() else {
            return;
        };
        self.replicator.is_retiring = true;
        let registry = self.server.registry.clone();
        std::thread::spawn(move || {
            // At the end nothing receives it any more.
            let _ = inbox.send(GossipMessage::Retired(catch_panic(|| {
                retire(&registry, &datasets)
            })));
        });
    }

    /// Ranks the peers that may have some content, as `select::rank` does. Leaves out those that failed
    /// just now.
    fn rank_sources(&mut self, content: &ContentId, first: &NodeId) -> Vec<CandidateSource> {
        let mut nodes: BTreeMap<NodeId, (bool, bool)> = BTreeMap::new();
        nodes.extend(self.typed.keys().map(|node| (*node, (false, true))));
        for known in self.peer_table.list() {
            let is_typed = self.typed.contains_key(&known.node);
            let place = (known.has_left, known.is_proven || is_typed);
            nodes.insert(known.node, place);
        }
        let nodes: Vec<SourceState> = nodes
            .into_iter()
            .map(|(node, (has_left, is_proven))| SourceState {
                node,
                has_left,
                is_proven,
                may_have: self.filters.may_have(&node, content),
            })
            .collect();
        let ranked = select::rank(&nodes, first, &mut self.random);
        let allowed = ranked
            .iter()
            .filter(|s| self.may_exchange_with(&s.node) && !self.connections.is_paused(&s.node));
        let sources = allowed.take(ASKED_MAX).map(|source| CandidateSource {
            node: source.node,
            at: self.known_addresses(&source.node),
            is_likely: source.is_likely(),
        });
        sources.collect()
    }
}
