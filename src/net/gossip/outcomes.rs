//! How talks and pulls ended: what that means for what is known, and what is told of it.

use std::time::Duration;

use crate::net::gossip::event_limit::Kind;
use crate::net::gossip::event_loop::GossipNode;
use crate::net::gossip::exchange::Talked;
use crate::net::gossip::replicator::Pulled;
use crate::net::server::event::Event;
use crate::protocol::PeerError;
use crate::protocol::RefusalCode;
use crate::registry::Error;

impl GossipNode {
    pub(in crate::net::gossip) fn talked(&mut self, talked: Talked) {
        let now = self.started.elapsed();
        let node = talked.talk.peer();
        self.gossip.done(now, &talked.talk, talked.end);
        if let Some((asked, at)) = talked.proven {
            let asked = asked.saturating_duration_since(self.started);
            self.directory.proven(asked, node, at);
        }
        if let Some(filter) = talked.filter {
            self.filters.put(node, Some(filter));
            self.unfiltered.remove(&node);
        }
        match talked.error {
            Some(error) => {
                // It was nowhere; who breaks off in the middle is there all the same.
                let tried = talked.proven.is_none().then_some(talked.tried);
                for at in tried.into_iter().flatten() {
                    self.directory.failed(now, &node, &at);
                }
                if says_farewell(&error) {
                    self.directory.gone(now, &node);
                }
                let error = error.to_string();
                self.tell(Kind::Unreachable, &Event::Unreachable { peer: node, error });
            }
            None => self.server.tell(&Event::Compared {
                peer: node,
                received: talked.compared.received,
                sent: talked.compared.sent,
            }),
        }
        // What came may be news for others.
        if talked.compared.received > 0 {
            self.catalogue.stamp = None;
        }
    }

    pub(in crate::net::gossip) fn pulled(&mut self, pulled: Pulled) {
        self.follower.done(self.started.elapsed(), &pulled);
        let (content, label) = (pulled.wanted.content, pulled.wanted.label);
        match pulled.ended {
            Ok(report) => self.server.tell(&Event::Followed {
                content,
                label,
                sources: report.sources.iter().map(|s| s.node_id).collect(),
                chunks: report.chunks_fetched,
                seconds: report.seconds,
            }),
            Err(Error::Interrupted) => {}
            Err(error) => self.server.tell(&Event::NotFollowed {
                content,
                label,
                error: error.to_string(),
            }),
        }
        self.catalogue.stamp = None;
    }

    pub(in crate::net::gossip) fn retired(&mut self, ended: Result<Vec<String>, Error>) {
        self.follower.is_retiring = false;
        self.server.tell(&match ended {
            Ok(labels) => Event::Retired { labels },
            Err(error) => Event::Trouble {
                what: format!("old versions cannot be given up: {error}"),
            },
        });
        self.catalogue.stamp = None;
    }

    /// Tells of something that anybody may bring about as often as he likes.
    pub(in crate::net::gossip) fn tell(&mut self, kind: Kind, event: &Event) {
        if self.chatter.may_tell(self.started.elapsed(), kind) {
            self.server.tell(event);
        }
    }

    /// Tells how much was left out lately.
    pub(in crate::net::gossip) fn sum_up(&mut self) {
        let now: Duration = self.started.elapsed();
        for (kind, count) in self.chatter.left_out(now) {
            let of = kind.name();
            self.server.tell(&Event::LeftOut { of, count });
        }
    }
}

/// Whether a peer said that it is about to go.
fn says_farewell(error: &Error) -> bool {
    let Error::Peer { source, .. } = error else {
        return false;
    };
    matches!(source, PeerError::Refused(r) if r.code == RefusalCode::ShuttingDown)
}
