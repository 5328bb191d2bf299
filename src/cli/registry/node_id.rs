//! The argument NODEID: an id of 64 hex digits, or a name.

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::parse::parse_alias;
use crate::ident::NodeId;
use crate::ident::PublisherKey;

/// Finds the node of an id or a name.
///
/// # Errors
/// [`Failure::Usage`] for a text that is neither.
pub(crate) fn find_node(ctx: &Context, text: &str) -> Result<NodeId, Failure> {
    if let Ok(key) = text.parse::<PublisherKey>() {
        return Ok(NodeId::new(*key.as_bytes()));
    }
    let known = match parse_alias(text) {
        Ok(name) => ctx.registry()?.peers().node_called(&name)?,
        Err(_) => None,
    };
    known.ok_or(Failure::usage(
        "a node id has 64 hex digits, and no node has this name here",
    ))
}
