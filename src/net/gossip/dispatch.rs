//! Starting what is to be done: talks, pulls, and giving up old versions; and with whom.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::net::ToSocketAddrs as _;

use crate::catalog::Brief;
use crate::ident::ContentId;
use crate::ident::NodeId;
use crate::net::gossip::Note;
use crate::net::gossip::event_loop::GossipNode;
use crate::net::gossip::exchange::Talker;
use crate::net::gossip::replicator::ASKED_MAX;
use crate::net::gossip::replicator::Source;
use crate::net::gossip::replicator::retire;
use crate::net::gossip::sound;
use crate::net::server::event::Event;
use crate::net::state::access_list::AccessList;
use crate::protocol::Access;
use crate::registry::peers::Followed;

impl GossipNode {
    /// Begins what the gossip wants now.
    pub(in crate::net::gossip) fn talk(&mut self) {
        while let Some(talk) = self.gossip.next(self.started.elapsed()) {
            let node = talk.peer();
            if !self.may_talk_to(&node) {
                self.gossip.left(&node);
                continue;
            }
            let talker = Talker {
                registry: self.server.registry.clone(),
                lines: self.lines.clone(),
                showing: self.server.showing,
            };
            let at = self.whereabouts(&node);
            let wants_filter = self.unfiltered.contains(&node);
            let Some(inbox) = self.inbox.clone() else {
                return;
            };
            std::thread::spawn(move || talker.talk(talk, at, (wants_filter, &inbox)));
        }
    }

    /// Where a node may be: where it was seen, and where somebody typed that it is.
    fn whereabouts(&self, node: &NodeId) -> Vec<SocketAddr> {
        let mut at = self.directory.candidates(node);
        if let Some(typed) = self.typed.get(node)
            && let Ok(found) = (typed.host.as_str(), typed.port).to_socket_addrs()
        {
            at.extend(found);
        }
        at
    }

    /// Begins to pull what is followed and not here.
    pub(in crate::net::gossip) fn fetch(&mut self) {
        let now = self.started.elapsed();
        if !self.follower.is_due(now) {
            return;
        }
        let registry = self.server.registry.clone();
        let followed = match registry.follow(&self.follower.follow) {
            Ok(followed) => followed,
            Err(error) => {
                let what = format!("what is followed cannot be looked at: {error}");
                return self.server.tell(&Event::Trouble { what });
            }
        };
        let Followed { wanted, retire } = followed;
        self.retire(retire);
        for wanted in self.follower.next(now, wanted) {
            let peers = self.havers(&wanted.content, &wanted.from);
            let puller = self
                .follower
                .puller(&registry, &self.lines, &self.is_stopping);
            let Some(inbox) = self.inbox.clone() else {
                return;
            };
            std::thread::spawn(move || puller.pull(wanted, peers, &inbox));
        }
    }

    /// Gossips with whoever is there, and with nobody else.
    pub(in crate::net::gossip) fn keep_company(&mut self) {
        let (directory, typed) = (&self.directory, &self.typed);
        let is_there = |node: &NodeId| directory.knows(node) || typed.contains_key(node);
        self.gossip.keep(is_there);
        self.filters.keep(is_there);
        self.unfiltered.retain(is_there);
        // There may have been no room when they came.
        let listed = match self.server.access {
            Access::Open => None,
            Access::Listed => Some(AccessList::of(&self.server.registry).all()),
        };
        for node in self.directory.list().into_iter().map(|n| n.node) {
            let is_allowed = match &listed {
                None => true,
                Some(listed) => listed.as_ref().is_ok_and(|ids| ids.contains(&node)),
            };
            if is_allowed && !self.gossip.knows(&node) && !self.gossip.appeared(node) {
                return;
            }
        }
    }

    /// On a thread of its own: giving up space may take a while.
    fn retire(&mut self, datasets: Vec<Brief>) {
        if datasets.is_empty() || self.follower.is_retiring {
            return;
        }
        let Some(inbox) = self.inbox.clone() else {
            return;
        };
        self.follower.is_retiring = true;
        let registry = self.server.registry.clone();
        std::thread::spawn(move || {
            // Nobody listens any more at the end.
            let _ = inbox.send(Note::Retired(sound(|| retire(&registry, &datasets))));
        });
    }

    /// Who may have some content: who told of it first, then those who were there lately, as far
    /// as their filters do not say no, in any order. The others come last, and not all of them.
    fn havers(&mut self, content: &ContentId, first: &NodeId) -> Vec<Source> {
        let mut nodes: BTreeMap<NodeId, (bool, bool)> = BTreeMap::new();
        nodes.extend(self.typed.keys().map(|node| (*node, (false, true))));
        for known in self.directory.list() {
            let is_typed = self.typed.contains_key(&known.node);
            let place = (known.has_left, known.is_proven || is_typed);
            nodes.insert(known.node, place);
        }
        let mut ranked: Vec<(bool, bool, bool, bool, usize, NodeId)> = Vec::new();
        for (node, (has_left, is_proven)) in nodes {
            let lacks = !self.filters.may_have(&node, content);
            let dice = self.random.index(usize::MAX);
            ranked.push((node != *first, has_left, !is_proven, lacks, dice, node));
        }
        ranked.sort_unstable();
        let mut havers = Vec::new();
        for (_, has_left, is_unproven, lacks, _, node) in ranked {
            if havers.len() < ASKED_MAX && self.may_talk_to(&node) {
                havers.push(Source {
                    node,
                    at: self.whereabouts(&node),
                    is_likely: !has_left && !is_unproven && !lacks,
                });
            }
        }
        havers
    }
}
