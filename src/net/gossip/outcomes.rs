//! Outcomes of exchanges and pulls: updates of the state, and events.

use std::time::Duration;

use crate::net::gossip::event_limit::LimitedKind;
use crate::net::gossip::event_loop::GossipNode;
use crate::net::gossip::message::ExchangeResult;
use crate::net::gossip::message::PullResult;
use crate::net::server::event::Event;
use crate::protocol::PeerError;
use crate::protocol::RefusalCode;
use crate::registry::Error;

impl GossipNode {
    pub(in crate::net::gossip) fn result(&mut self, result: ExchangeResult) {
        let now = self.started.elapsed();
        let node = result.exchange.peer();
        self.gossip
            .record_outcome(now, &result.exchange, result.end);
        if let Some((requested_at, at)) = result.proven {
            let requested_at = requested_at.saturating_duration_since(self.started);
            self.peer_table.record_proof(requested_at, node, at);
        }
        if let Some(filter) = result.filter {
            self.filters.put(node, Some(filter));
            self.unfiltered.remove(&node);
        }
        match result.error {
            Some(error) => {
                // It was at none of them. A peer that breaks off in the middle is present all the same.
                let tried = result.proven.is_none().then_some(result.tried);
                for at in tried.into_iter().flatten() {
                    self.peer_table.record_failure(now, &node, &at);
                }
                if is_farewell(&error) {
                    self.peer_table.record_farewell(now, &node);
                }
                let error = error.to_string();
                self.report(
                    LimitedKind::Unreachable,
                    &Event::Unreachable { peer: node, error },
                );
            }
            None => self.server.report(&Event::Compared {
                peer: node,
                received: result.compared.received,
                sent: result.compared.sent,
            }),
        }
        // The received items may be news for others.
        if result.compared.received > 0 {
            self.catalogue.stamp = None;
        }
    }

    pub(in crate::net::gossip) fn finish_pull(&mut self, pulled: PullResult) {
        self.replicator.done(self.started.elapsed(), &pulled);
        let (content, label) = (pulled.wanted.content, pulled.wanted.label);
        match pulled.ended {
            Ok(report) => self.server.report(&Event::Followed {
                content,
                label,
                sources: report.sources.iter().map(|s| s.node_id).collect(),
                chunks: report.chunks_fetched,
                seconds: report.seconds,
            }),
            Err(Error::Interrupted) => {}
            Err(error) => self.server.report(&Event::NotFollowed {
                content,
                label,
                error: error.to_string(),
            }),
        }
        self.catalogue.stamp = None;
    }

    pub(in crate::net::gossip) fn finish_removal(&mut self, ended: Result<Vec<String>, Error>) {
        self.replicator.is_retiring = false;
        self.server.report(&match ended {
            Ok(labels) => Event::Retired { labels },
            Err(error) => Event::Trouble {
                what: format!("cannot remove old versions: {error}"),
            },
        });
        self.catalogue.stamp = None;
    }

    /// Reports an event that any host can cause at will, within its limit.
    pub(in crate::net::gossip) fn report(&mut self, kind: LimitedKind, event: &Event) {
        if self.event_limiter.admit(self.started.elapsed(), kind) {
            self.server.report(event);
        }
    }

    /// Reports the number of suppressed events.
    pub(in crate::net::gossip) fn report_suppressed(&mut self) {
        let now: Duration = self.started.elapsed();
        for (kind, count) in self.event_limiter.take_suppressed(now) {
            let of = kind.name();
            self.server.report(&Event::LeftOut { of, count });
        }
    }
}

/// Returns true if the error is a peer's announcement of its end.
fn is_farewell(error: &Error) -> bool {
    let Error::Peer { source, .. } = error else {
        return false;
    };
    matches!(source, PeerError::Refused(r) if r.code == RefusalCode::ShuttingDown)
}
