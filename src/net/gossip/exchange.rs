//! Exchange: one comparison or offer with another node, on a thread of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use crate::ident::NodeId;
use crate::net::gossip::GossipMessage;
use crate::net::gossip::catch_panic;
use crate::net::gossip::connection_pool::ConnectionPool;
use crate::protocol::Exchange;
use crate::protocol::ExchangeOutcome;
use crate::protocol::Filter;
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

/// The result of an exchange.
pub(crate) struct ExchangeResult {
    pub(in crate::net::gossip) exchange: Exchange,
    pub(in crate::net::gossip) end: ExchangeOutcome,
    /// The items that both sides had.
    pub(in crate::net::gossip) compared: Compared,
    /// The addresses that were tried.
    pub(in crate::net::gossip) tried: Vec<SocketAddr>,
    /// The time and address at which the peer proved its key.
    pub(in crate::net::gossip) proven: Option<(Instant, SocketAddr)>,
    /// The peer's filter, where it was requested and the peer has one.
    pub(in crate::net::gossip) filter: Option<Filter>,
    /// The error, if it failed.
    pub(in crate::net::gossip) error: Option<Error>,
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
            // The connection may be the cause.
            self.connections.end(&result.exchange.peer());
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
                result.compared = self.registry.compare(&*peer, self.showing)?;
            }
            Exchange::Announce(_, items) => {
                result.compared.sent = self.registry.tell(&*peer, items)?;
            }
        }
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
