//! `pull_dataset`: a dataset of a peer, if the publisher is trusted here.

use serde_json::json;

use crate::ident::Reference;
use crate::mcp::answer::Answer;
use crate::mcp::error::ToolError;
use crate::mcp::tools::arguments::Arguments;
use crate::mcp::work::Work;
use crate::mcp::workspace::Workspace;
use crate::net::DialTarget;
use crate::net::Net;
use crate::net::Peer;
use crate::net::PeerAddress;
use crate::net::Stop;
use crate::net::select_peers;
use crate::protocol::ChunkSource;
use crate::protocol::PeerCatalog;
use crate::registry::LocalRegistry;
use crate::registry::peers::ConsentOutcome;
use crate::registry::peers::GivenConsent;
use crate::registry::peers::PullOptions;

/// Pulls a dataset. Nobody can be asked here, so only what the trust settings allow is taken.
pub(crate) fn pull_dataset(
    workspace: &Workspace,
    arguments: &Arguments,
    work: &Work,
) -> Result<Answer, ToolError> {
    let registry = workspace.registry()?;
    let text = arguments.required("ref")?;
    let reference: Reference = text
        .parse()
        .map_err(|error| ToolError::new(format!("`{text}` is no reference: {error}")))?;
    let peers = peers(workspace, arguments, &registry, &reference)?;
    let catalogs: Vec<&dyn PeerCatalog> = peers.iter().map(|p| p as _).collect();
    let (offer, holders, _) = registry.peers().resolve_remote(&reference, &catalogs)?;
    let m = offer.manifest().clone();
    let nobody = GivenConsent::default();
    let next = "a person decides about trust, by `alimentar pull` on the command line";
    let outcome = offer
        .accept_for(&reference, nobody, |_| false)
        .map_err(|error| ToolError::from(error).with_next(next))?;
    let accepted = match outcome {
        ConsentOutcome::ByPolicy(accepted) | ConsentOutcome::ByPerson(accepted) => accepted,
        ConsentOutcome::Declined(reason) => {
            let label = offer.label();
            return Err(ToolError::new(format!("{label} is not pulled: {reason}")).with_next(next));
        }
    };
    let holders: Vec<&Peer> = holders.iter().filter_map(|n| peers.get(*n)).collect();
    let is_held = registry.peers().holds(&offer)?;
    if !is_held {
        let sources: Vec<&dyn ChunkSource> = holders.iter().map(|p| *p as _).collect();
        registry
            .peers()
            .pull(&accepted, &sources, PullOptions::default(), work)?;
    }
    let received: u64 = holders.iter().map(|p| p.traffic().received).sum();
    Ok(Answer::of(json!({
        "content_id": m.content_id.to_string(),
        "name": m.name.to_string(),
        "version": m.dataset_version.to_string(),
        "target": format!("{}@{}", m.name, m.dataset_version),
        "already_here": is_held,
        "bytes_received": received,
    })))
}

/// Connects to the peer of the call, to those of the settings, or else to those that are found.
fn peers(
    workspace: &Workspace,
    arguments: &Arguments,
    registry: &LocalRegistry,
    wanted: &Reference,
) -> Result<Vec<Peer>, ToolError> {
    let given = match arguments.text("peer")? {
        Some(peer) => vec![peer.to_owned()],
        None => workspace.options.peers.clone(),
    };
    let net = Net::new(registry)?;
    let mut places = Vec::new();
    for text in &given {
        let address: PeerAddress = text.parse().map_err(|error| {
            ToolError::new(format!("`{text}` is no address of a peer: {error}"))
        })?;
        places.push(DialTarget::Typed(address));
    }
    if given.is_empty() {
        places = select_peers(registry, Some(wanted), &Stop::default())?;
    }
    let (mut peers, mut failure) = (Vec::new(), None);
    for place in places {
        let peer = match place {
            DialTarget::Typed(address) => net.connect(&address),
            DialTarget::Found(node, addresses) => net.connect_found(node, addresses, &|| false),
        };
        match peer {
            Ok(peer) => peers.push(peer),
            Err(error) => failure = Some(error),
        }
    }
    match (peers.is_empty(), failure) {
        (true, Some(error)) => Err(error.into()),
        (true, None) => {
            Err(ToolError::new("no peer is around")
                .with_next("pull_dataset with `peer` as host:port"))
        }
        (false, _) => Ok(peers),
    }
}
