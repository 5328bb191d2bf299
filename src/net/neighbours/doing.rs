//! Starting what is to be done: talks, pulls, and giving up old versions.

use std::net::SocketAddr;
use std::net::ToSocketAddrs as _;

use crate::catalog::Brief;
use crate::ident::ContentId;
use crate::ident::NodeId;
use crate::net::event::Event;
use crate::net::neighbours::circle::Circle;
use crate::net::neighbours::follower::retire;
use crate::net::neighbours::talks::Talker;
use crate::registry::peers::Followed;

impl Circle {
    /// Begins what the gossip wants now.
    pub(super) fn talk(&mut self) {
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
    pub(super) fn fetch(&mut self) {
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

    fn retire(&self, datasets: Vec<Brief>) {
        if datasets.is_empty() {
            return;
        }
        match retire(&self.server.registry, &datasets) {
            Ok(labels) => self.server.tell(&Event::Retired { labels }),
            Err(error) => self.server.tell(&Event::Trouble {
                what: format!("old versions cannot be given up: {error}"),
            }),
        }
    }

    /// Who may have some content: who told of it first, then the others in any order, as far as
    /// their filters do not say no.
    fn havers(&mut self, content: &ContentId, first: &NodeId) -> Vec<(NodeId, Vec<SocketAddr>)> {
        let mut nodes: Vec<NodeId> = self.directory.list().iter().map(|n| n.node).collect();
        nodes.extend(self.typed.keys());
        nodes.sort_unstable();
        nodes.dedup();
        nodes.retain(|n| self.may_talk_to(n) && self.filters.may_have(n, content));
        for n in (1..nodes.len()).rev() {
            nodes.swap(n, self.random.below(n + 1));
        }
        nodes.sort_by_key(|n| n != first);
        let at = |n: NodeId| (n, self.whereabouts(&n));
        nodes.into_iter().map(at).collect()
    }
}
