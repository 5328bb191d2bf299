//! The peers that a command asks if it names none.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::ident::NodeId;
use crate::ident::Reference;
use crate::keyring;
use crate::net::DialTarget;
use crate::net::KnownPeers;
use crate::net::NodeView;
use crate::net::discovery;
use crate::net::known_nodes;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::host;

/// The time to look for nodes if no node serves this registry.
const LOOK: Duration = Duration::from_millis(1_200);

/// Selects the peers for a command that names none: the nodes of this network, and known peers at
/// typed addresses. Leaves out nodes whose filter lacks the `wanted` dataset.
///
/// # Errors
/// [`Error::NotAtPeers`] if filters leave no peer, [`Error::Interrupted`], a fault of the network.
pub(super) fn select_peers(
    registry: &LocalRegistry,
    wanted: Option<&Reference>,
) -> Result<Vec<DialTarget>, Failure> {
    let known = KnownPeers::of(registry).all()?;
    let around = match find_nodes(registry, None, LOOK) {
        Ok(around) => around,
        Err(failure) if interrupt::is_requested() => return Err(failure),
        // Known peers can be asked without discovery.
        Err(_) if !known.is_empty() => Vec::new(),
        Err(failure) => return Err(failure),
    };
    let nodes: BTreeSet<NodeId> = around.iter().map(|n| n.node).collect();
    let lacks = |n: &NodeView| wanted.is_some_and(|wanted| !n.may_have(wanted));
    let total = around.len() + known.len();
    let having = around.into_iter().filter(|n| !lacks(n));
    let mut places: Vec<DialTarget> = having
        .map(|n| DialTarget::Found(n.node, n.addresses))
        .collect();
    let elsewhere = known.iter().filter(|(_, node)| !nodes.contains(node));
    places.extend(elsewhere.filter_map(|(at, _)| at.parse().ok().map(DialTarget::Typed)));
    match (places.is_empty(), wanted) {
        // The filters say so; no connection is needed.
        (true, Some(wanted)) if total > 0 => Err(Error::NotAtPeers(wanted.to_string()).into()),
        _ => Ok(places),
    }
}

/// Finds the nodes of this network. If a node serves this registry, it knows them, and the call only
/// waits for `wait`. Otherwise the call looks for them for `wait`, or for `look`.
///
/// # Errors
/// [`Error::Interrupted`], a fault of the network.
pub(crate) fn find_nodes(
    registry: &LocalRegistry,
    wait: Option<Duration>,
    look: Duration,
) -> Result<Vec<NodeView>, Failure> {
    let home = registry.home();
    let stop = interrupt::stop_condition();
    if known_nodes(home)?.is_some() {
        if !stop.sleep(wait.unwrap_or_default()) {
            return Err(Error::Interrupted.into());
        }
        return Ok(known_nodes(home)?.unwrap_or_default());
    }
    let own = keyring::node_key(home).map_err(Error::from)?;
    let own = NodeId::new(*own.public_key().as_bytes());
    let found = discovery::look(wait.unwrap_or(look), &stop)?.into_iter();
    let found = found.filter(|(sighting, _)| sighting.node != own);
    Ok(found
        .map(|(sighting, addresses)| NodeView::seen(sighting, addresses, host::now()))
        .collect())
}
