//! Peers for a request that names none: looks for nodes, and selects by
//! [`registry::peers::select`](crate::registry::peers::select).

use std::time::Duration;

use crate::ident::NodeId;
use crate::ident::Reference;
use crate::keyring;
use crate::net::discovery;
use crate::net::gossip::snapshot::NodeView;
use crate::net::quic::dial::DialTarget;
use crate::net::server::control::known_nodes;
use crate::net::state::known_peers::KnownPeers;
use crate::net::stop::Stop;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::host;
use crate::registry::peers::PeerCandidate;
use crate::registry::peers::select;

/// The time to look for nodes if no node serves this registry.
const LOOK: Duration = Duration::from_millis(1_200);

/// Selects the peers for a request: the nodes of this network, and known peers at typed addresses.
/// Leaves out nodes whose filters lack the `wanted` dataset.
///
/// # Errors
/// `NodeError::NotAtPeers` if filters leave no peer, [`Error::Interrupted`], a fault of the network.
pub fn select_peers(
    registry: &LocalRegistry,
    wanted: Option<&Reference>,
    stop: &Stop,
) -> Result<Vec<DialTarget>, Error> {
    let known = KnownPeers::of(registry).all()?;
    let around = match find_nodes(registry, None, LOOK, stop) {
        Ok(around) => around,
        Err(error) if stop.is_asked_for() => return Err(error),
        // Known peers can be asked without discovery.
        Err(_) if !known.is_empty() => Vec::new(),
        Err(error) => return Err(error),
    };
    let found = around.into_iter().map(|n| PeerCandidate {
        node: n.node,
        may_have: wanted.is_none_or(|wanted| n.may_have(wanted)),
        place: DialTarget::Found(n.node, n.addresses),
    });
    let known = known.iter().filter_map(|(at, node)| {
        Some(PeerCandidate {
            node: *node,
            may_have: true,
            place: DialTarget::Typed(at.parse().ok()?),
        })
    });
    select::select(found.collect(), known.collect(), wanted)
}

/// Finds the nodes of this network. If a node serves this registry, it knows them, and the call only
/// waits for `wait`. Otherwise the call looks for them for `wait`, or for `look`.
///
/// # Errors
/// [`Error::Interrupted`], a fault of the network.
pub fn find_nodes(
    registry: &LocalRegistry,
    wait: Option<Duration>,
    look: Duration,
    stop: &Stop,
) -> Result<Vec<NodeView>, Error> {
    let home = registry.home();
    if known_nodes(home)?.is_some() {
        if !stop.sleep(wait.unwrap_or_default()) {
            return Err(Error::Interrupted);
        }
        return Ok(known_nodes(home)?.unwrap_or_default());
    }
    let own = keyring::node_key(home)?;
    let own = NodeId::new(*own.public_key().as_bytes());
    let found = discovery::look(wait.unwrap_or(look), stop)?.into_iter();
    let found = found.filter(|(record, _)| record.node != own);
    Ok(found
        .map(|(record, addresses)| NodeView::seen(record, addresses, host::now()))
        .collect())
}
