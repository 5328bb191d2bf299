//! `pull_dataset`: a dataset of a peer, if the publisher is trusted here.

use serde_json::json;

use crate::ident::Reference;
use crate::mcp::answer::Answer;
use crate::mcp::error::ToolError;
use crate::mcp::tools::arguments::Arguments;
use crate::mcp::work::Work;
use crate::mcp::workspace::Workspace;
use crate::net::Net;
use crate::net::Peer;
use crate::net::PeerAddress;
use crate::protocol::ChunkSource;
use crate::protocol::PeerCatalog;
use crate::registry::peers::PullOptions;
use crate::trust::Action;
use crate::trust::Consent;
use crate::trust::Verdict;

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
    let peers = peers(workspace, arguments, &registry)?;
    let catalogs: Vec<&dyn PeerCatalog> = peers.iter().map(|p| p as _).collect();
    let (offer, holders, _) = registry.resolve_remote(&reference, &catalogs)?;
    let m = offer.manifest().clone();
    let decision = offer.listed.decide(Action::PullByName);
    if decision.verdict == Verdict::Ask {
        return Err(ToolError::new(format!(
            "{}@{} is not pulled: {}",
            m.name,
            m.dataset_version,
            offer.listed.reason(Action::PullByName)
        ))
        .with_next("a person decides about trust, by `alimentar pull` on the command line"));
    }
    let accepted = offer.accept(Action::PullByName, Consent::NotAsked)?;
    let holders: Vec<&Peer> = holders.iter().filter_map(|n| peers.get(*n)).collect();
    let is_held = registry.holds(&offer)?;
    if !is_held {
        let sources: Vec<&dyn ChunkSource> = holders.iter().map(|p| *p as _).collect();
        registry.pull(&accepted, &sources, PullOptions::default(), work)?;
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

fn peers(
    workspace: &Workspace,
    arguments: &Arguments,
    registry: &crate::registry::LocalRegistry,
) -> Result<Vec<Peer>, ToolError> {
    let given = match arguments.text("peer")? {
        Some(peer) => vec![peer.to_owned()],
        None => workspace.options.peers.clone(),
    };
    if given.is_empty() {
        return Err(
            ToolError::new("no peer is known").with_next("pull_dataset with `peer` as host:port")
        );
    }
    let net = Net::new(registry)?;
    let mut peers = Vec::new();
    for text in given {
        let address: PeerAddress = text.parse().map_err(|error| {
            ToolError::new(format!("`{text}` is no address of a peer: {error}"))
        })?;
        peers.push(net.connect(&address)?);
    }
    Ok(peers)
}
