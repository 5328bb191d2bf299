//! `registry peers forget`, `name` and `unname`: changes to the known peers.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::registry::node_id::find_node;
use crate::ident::Alias;
use crate::ident::NodeId;
use crate::net::KnownPeers;
use crate::net::PeerAddress;
use crate::registry::Error;
use crate::registry::NodeError;

#[derive(Serialize)]
struct ForgetOutput {
    address: String,
    forgotten: bool,
}

#[derive(Serialize)]
struct NameOutput {
    node_id: String,
    name: String,
}

#[derive(Serialize)]
struct UnnameOutput {
    name: String,
    removed: bool,
}

/// Forgets the node at an address.
pub(super) fn forget_address(ctx: &Context, address: &PeerAddress) -> Result<(), Failure> {
    let known = KnownPeers::of(ctx.registry()?);
    let typed = address.place();
    let named = known.named(address)?;
    let place = match known.forget(address)? {
        true => typed,
        false if known.forget(&named)? => named.place(),
        false => return Err(Error::Node(NodeError::UnknownPeer(typed)).into()),
    };
    let text = format!("Forgot which node was at {place}\n");
    let output = ForgetOutput {
        address: place,
        forgotten: true,
    };
    Ok(ctx.out.result(&output, &[], &text)?)
}

/// Gives a node a name. `node` is its id, its name so far, or the address of a known peer.
pub(super) fn name_node(ctx: &Context, node: &str, name: &Alias) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let known = KnownPeers::of(registry);
    let id = match find_node(ctx, node) {
        Ok(id) => id,
        Err(failure) => find_node_at(&known, node)?.ok_or(failure)?,
    };
    registry.peers().name_node(id, name)?;
    let text = format!("Node {id} is called `{name}` here\n");
    let output = NameOutput {
        node_id: id.to_hex(),
        name: name.to_string(),
    };
    Ok(ctx.out.result(&output, &[id.to_hex()], &text)?)
}

/// Removes the name of a node.
pub(super) fn unname_node(ctx: &Context, name: &Alias) -> Result<(), Failure> {
    if !ctx.registry()?.peers().unname_node(name)? {
        return Err(Error::Node(NodeError::UnknownPeer(name.to_string())).into());
    }
    let text = format!("No node is called `{name}` any more\n");
    let output = UnnameOutput {
        name: name.to_string(),
        removed: true,
    };
    Ok(ctx.out.result(&output, &[name.to_string()], &text)?)
}

/// Finds the known node at an address.
fn find_node_at(known: &KnownPeers, text: &str) -> Result<Option<NodeId>, Failure> {
    let Ok(address) = text.parse::<PeerAddress>() else {
        return Ok(None);
    };
    let place = address.place();
    let pins = known.all()?;
    let found = pins.iter().find(|(at, _)| *at == place);
    Ok(found.map(|(_, id)| *id))
}
