//! Events of a serving node, for logs and for programs that started it.

use crate::ident::ContentId;
use crate::ident::NodeId;

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Peers can connect.
    Ready {
        /// This node.
        node_id: NodeId,
        /// The addresses it listens on.
        addresses: Vec<std::net::SocketAddr>,
    },
    /// A peer has connected.
    Connected {
        /// The peer.
        peer: NodeId,
        /// Its address.
        address: std::net::SocketAddr,
    },
    /// A peer was refused or disconnected by the node.
    Refused {
        /// The peer, if known.
        peer: Option<NodeId>,
        /// Its address.
        address: std::net::SocketAddr,
        /// The reason.
        reason: &'static str,
    },
    /// A peer disconnected.
    Disconnected {
        /// The peer.
        peer: NodeId,
        /// Its address.
        address: std::net::SocketAddr,
        /// The reason, in the transport's words.
        reason: String,
        /// Bytes sent to it.
        sent_bytes: u64,
        /// Number of its requests.
        requests: u64,
    },
    /// A request was answered.
    Answered {
        /// The peer.
        peer: NodeId,
        /// The kind of request.
        request: &'static str,
        /// Bytes of the response.
        bytes: u64,
        /// Duration in seconds.
        seconds: f64,
    },
    /// A request failed because of a local fault.
    Failed {
        /// The peer.
        peer: NodeId,
        /// The kind of request.
        request: &'static str,
        /// The error.
        error: String,
    },
    /// A node was found on the network.
    Found {
        /// The claimed node id.
        peer: NodeId,
        /// Its addresses, the best first.
        addresses: Vec<std::net::SocketAddr>,
    },
    /// A node announced its end.
    Left {
        /// The node.
        peer: NodeId,
    },
    /// Catalogues were compared with a peer, or items were sent to it.
    Compared {
        /// The peer.
        peer: NodeId,
        /// Manifests and statements that are new here.
        received: u64,
        /// Manifests and statements that were new there.
        sent: u64,
    },
    /// A peer could not be reached.
    Unreachable {
        /// The peer.
        peer: NodeId,
        /// The error.
        error: String,
    },
    /// A followed dataset has arrived.
    Followed {
        /// Its content id.
        content: ContentId,
        /// Name and version.
        label: String,
        /// The peers it came from.
        sources: Vec<NodeId>,
        /// Number of received chunks.
        chunks: u64,
        /// Duration in seconds.
        seconds: f64,
    },
    /// A followed dataset could not be fetched; the node tries again.
    NotFollowed {
        /// Its content id.
        content: ContentId,
        /// Name and version.
        label: String,
        /// The error.
        error: String,
    },
    /// Older versions of followed datasets were removed.
    Retired {
        /// Names and versions.
        labels: Vec<String>,
    },
    /// Events of a kind exceeded the limit for single reports.
    LeftOut {
        /// The kind's name: `found`, `left`, `unreachable` or `trouble`.
        of: &'static str,
        /// Number of suppressed events.
        count: u64,
    },
    /// A feature does not work, and the node goes on without it.
    Trouble {
        /// The trouble.
        what: String,
    },
    /// The node takes no new requests; running ones may end.
    Stopping,
    /// The node has stopped.
    Stopped,
}

/// Receives events, from any thread.
pub type Observer = dyn Fn(&Event) + Send + Sync;
