//! Exchange: one comparison or offer with another node, on a thread of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;

use crate::ident::NodeId;
use crate::net::gossip::connection_pool::ConnectionPool;
use crate::net::gossip::message::ExchangeResult;
use crate::net::gossip::message::GossipMessage;
use crate::net::gossip::message::catch_panic;
use crate::protocol::Exchange;
use crate::protocol::ExchangeOutcome;
use crate::protocol::PeerCatalog as _;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::host;
use crate::registry::peers::Compared;
use crate::registry::peers::Showing;

/// The inputs of an exchange.
#[derive(Clone)]
pub(in crate::net::gossip) struct ExchangeContext {
    pub(in crate::net::gossip) registry: LocalRegistry,
    pub(in crate::net::gossip) connections: Arc<ConnectionPool>,
    pub(in crate::net::gossip) showing: Showing,
}

impl ExchangeContext {
    /// Performs an exchange and records its result.
    pub(in crate::net::gossip) fn perform(
        &self,
        exchange: Exchange,
        at: Vec<SocketAddr>,
        (wants_filter, inbox): (bool, &mpsc::SyncSender<GossipMessage>),
    ) {
        let mut result = ExchangeResult {
            end: ExchangeOutcome::Failed,
            compared: Compared::default(),
            tried: at.clone(),
            proven: None,
            filter: None,
            error: None,
            exchange,
        };
        if let Err(error) = catch_panic(|| self.run_exchange(&mut result, at, wants_filter)) {
            self.connections.record_failure(result.exchange.peer());
            result.error = Some(error);
        }
        // At the end nothing receives it any more.
        let _ = inbox.send(GossipMessage::ExchangeResult(result));
    }

    fn run_exchange(
        &self,
        result: &mut ExchangeResult,
        at: Vec<SocketAddr>,
        wants_filter: bool,
    ) -> Result<(), Error> {
        let node: NodeId = result.exchange.peer();
        let (peer, made) = self.connections.connect_to(node, at)?;
        let _talking = self.connections.begin_exchange(&peer);
        result.proven = Some((made, peer.remote()));
        let requested_at = host::instant();
        match &result.exchange {
            Exchange::Compare(_) => {
                result.compared = self.registry.peers().compare(&*peer, self.showing)?;
            }
            Exchange::Announce(_, items) => {
                result.compared.sent = self.registry.peers().tell(&*peer, items)?;
            }
        }
        self.connections.record_answer(&node);
        // It answered, but maybe before it left.
        result.proven = Some((requested_at, peer.remote()));
        result.end = match (&result.exchange, result.compared) {
            (Exchange::Compare(_), Compared { received, sent, .. }) if received + sent > 0 => {
                ExchangeOutcome::Differed
            }
            _ => ExchangeOutcome::Same,
        };
        if wants_filter {
            // A hint; an older node has none.
            result.filter = peer.filter().ok();
        }
        Ok(())
    }
}
