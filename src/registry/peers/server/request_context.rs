//! Context of a request.

use crate::ident::NodeId;
use crate::protocol::Access;
use crate::protocol::Hello;
use crate::registry::peers::server::visibility::Showing;

/// Context of a request: the peer, and the datasets that this node shows.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The peer's id, proven by the handshake.
    pub peer: NodeId,
    /// The peer's own greeting.
    pub hello: Hello,
    /// Datasets that the peer may see.
    pub showing: Showing,
    /// Peers that this node serves.
    pub access: Access,
}
