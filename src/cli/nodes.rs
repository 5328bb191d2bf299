//! Who is served, and what nodes are called here: `registry access`, `registry peers name|unname|forget`.

use serde_json::Value;
use serde_json::json;

use crate::cli::args_peers::AccessCommand;
use crate::cli::args_peers::PeersCommand;
use crate::cli::args_trust::alias;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::out::table;
use crate::ident::NodeId;
use crate::ident::PublisherKey;
use crate::net::AccessList;
use crate::net::KnownPeers;
use crate::net::PeerAddress;
use crate::registry::Error;
use crate::registry::LocalRegistry;

pub(crate) fn access(
    registry: &LocalRegistry,
    command: &AccessCommand,
    out: &Out,
) -> Result<(), Failure> {
    let list = AccessList::of(registry);
    let changed = match command {
        AccessCommand::Add { node, name } => {
            let id = node_of(registry, node)?;
            // First, so that a name that another node has keeps nobody from being looked for.
            if let Some(name) = name {
                registry.name_node(id, name)?;
            }
            list.add(id)?
        }
        AccessCommand::Remove { node } => {
            let removed = list.remove(node_of(registry, node)?)?;
            if !removed {
                return Err(Error::NotListed(node.clone()).into());
            }
            removed
        }
        AccessCommand::List => false,
    };
    let names = registry.node_names()?;
    let nodes: Vec<NodeId> = list.all()?.into_iter().collect();
    let ids: Vec<String> = nodes.iter().map(NodeId::to_hex).collect();
    let name = |id: &NodeId| names.get(id).map(ToString::to_string);
    let objects: Vec<Value> = nodes
        .iter()
        .map(|id| json!({"node_id": id.to_hex(), "name": name(id)}))
        .collect();
    let row = |id: &NodeId| vec![name(id).unwrap_or_else(|| "-".to_owned()), id.to_hex()];
    let text = match nodes.is_empty() {
        true => "Nobody is on the list\n".to_owned(),
        false => table(
            &["NAME", "NODE"],
            &nodes.iter().map(row).collect::<Vec<_>>(),
        ),
    };
    let object = json!({"access": ids, "nodes": objects, "changed": changed});
    Ok(out.result(&object, &ids, &text)?)
}

pub(crate) fn run(
    registry: &LocalRegistry,
    command: &PeersCommand,
    out: &Out,
) -> Result<(), Failure> {
    let known = KnownPeers::of(registry);
    match command {
        PeersCommand::Forget { address } => {
            let typed = address.place();
            let named = known.named(address)?;
            let place = match known.forget(address)? {
                true => typed,
                false if known.forget(&named)? => named.place(),
                false => return Err(Error::UnknownPeer(typed).into()),
            };
            let text = format!("Forgot which node was at {place}\n");
            let object = json!({"address": place, "forgotten": true});
            Ok(out.result(&object, &[], &text)?)
        }
        PeersCommand::Name { node, name } => {
            let id = match node_of(registry, node) {
                Ok(id) => id,
                Err(failure) => met_at(&known, node)?.ok_or(failure)?,
            };
            registry.name_node(id, name)?;
            let text = format!("Node {id} is called `{name}` here\n");
            let object = json!({"node_id": id.to_hex(), "name": name.to_string()});
            Ok(out.result(&object, &[id.to_hex()], &text)?)
        }
        PeersCommand::Unname { name } => {
            if !registry.unname_node(name)? {
                return Err(Error::UnknownPeer(name.to_string()).into());
            }
            let text = format!("No node is called `{name}` any more\n");
            let object = json!({"name": name.to_string(), "removed": true});
            Ok(out.result(&object, &[name.to_string()], &text)?)
        }
    }
}

/// The node of an id or a name.
///
/// # Errors
/// A usage error for a text that is neither.
pub(crate) fn node_of(registry: &LocalRegistry, text: &str) -> Result<NodeId, Failure> {
    if let Ok(key) = text.parse::<PublisherKey>() {
        return Ok(NodeId::new(*key.as_bytes()));
    }
    let known = match alias(text) {
        Ok(name) => registry.node_called(&name)?,
        Err(_) => None,
    };
    known.ok_or(Failure::usage(
        "a node id has 64 hex digits, and no node has this name here",
    ))
}

/// The node that was met at an address.
fn met_at(known: &KnownPeers, text: &str) -> Result<Option<NodeId>, Failure> {
    let Ok(address) = text.parse::<PeerAddress>() else {
        return Ok(None);
    };
    let place = address.place();
    let pins = known.all()?;
    let found = pins.iter().find(|(at, _)| *at == place);
    Ok(found.map(|(_, id)| *id))
}
