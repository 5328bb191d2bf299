//! Messages to the deciding thread, and results of its workers.

use std::net::SocketAddr;
use std::time::Instant;

use crate::ident::NodeId;
use crate::net::discovery::DiscoveryEvent;
use crate::panics::caught;
use crate::protocol::Exchange;
use crate::protocol::ExchangeOutcome;
use crate::protocol::Filter;
use crate::registry::Error;
use crate::registry::peers::Compared;
use crate::registry::peers::PullReport;
use crate::registry::peers::WantedDataset;

/// A message to the deciding thread.
pub(crate) enum GossipMessage {
    Found(DiscoveryEvent),
    /// A peer announced something.
    PeerAnnounced,
    /// A peer called and stated the address of its server.
    Called(NodeId, SocketAddr),
    ExchangeResult(ExchangeResult),
    PullResult(PullResult),
    /// The names of removed versions.
    Retired(Result<Vec<String>, Error>),
    Stop,
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

/// The result of a pull.
pub(crate) struct PullResult {
    pub(in crate::net::gossip) wanted: WantedDataset,
    pub(in crate::net::gossip) ended: Result<PullReport, Error>,
}

/// Runs work on a thread of its own and turns a panic into an error, so that no caller waits for ever.
pub(in crate::net::gossip) fn catch_panic<T>(
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let fault = || std::io::Error::other("a fault here");
    caught(work).unwrap_or_else(|_| Err(Error::machine("run a worker thread", fault())))
}
