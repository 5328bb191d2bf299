//! What a serving node tells: one event at a time, for logs and for programs that started it.

use crate::ident::ContentId;
use crate::ident::NodeId;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Peers can connect.
    Ready {
        /// This node.
        node_id: NodeId,
        /// Where.
        addresses: Vec<std::net::SocketAddr>,
    },
    /// A peer has connected.
    Connected {
        /// Who.
        peer: NodeId,
        /// From where.
        address: std::net::SocketAddr,
    },
    /// Somebody was not let in, or was shown out.
    Refused {
        /// Who, if that was known.
        peer: Option<NodeId>,
        /// From where.
        address: std::net::SocketAddr,
        /// Why.
        reason: &'static str,
    },
    /// A peer has gone.
    Disconnected {
        /// Who.
        peer: NodeId,
        /// From where.
        address: std::net::SocketAddr,
        /// Why, in the transport's words.
        reason: String,
        /// Bytes that went to it.
        sent_bytes: u64,
        /// Its requests.
        requests: u64,
    },
    /// A request was answered.
    Answered {
        /// Whose.
        peer: NodeId,
        /// Which kind.
        request: &'static str,
        /// Bytes of the answer.
        bytes: u64,
        /// How long it took.
        seconds: f64,
    },
    /// A request could not be answered because of a fault here.
    Failed {
        /// Whose.
        peer: NodeId,
        /// Which kind.
        request: &'static str,
        /// What is wrong.
        error: String,
    },
    /// A node was found on the network.
    Found {
        /// Who, as it says.
        peer: NodeId,
        /// Where, the best first.
        addresses: Vec<std::net::SocketAddr>,
    },
    /// A node said that it leaves.
    Left {
        /// Who.
        peer: NodeId,
    },
    /// Catalogues were compared with a peer, or it was told something.
    Compared {
        /// Who.
        peer: NodeId,
        /// Manifests and statements that are new here.
        received: u64,
        /// Those that were new there.
        sent: u64,
    },
    /// A peer could not be talked to.
    Unreachable {
        /// Who.
        peer: NodeId,
        /// Why.
        error: String,
    },
    /// A dataset that is followed has arrived.
    Followed {
        /// Its content.
        content: ContentId,
        /// Name and version.
        label: String,
        /// From whom.
        sources: Vec<NodeId>,
        /// Chunks that came.
        chunks: u64,
        /// How long it took.
        seconds: f64,
    },
    /// A dataset that is followed could not be fetched; it is tried again.
    NotFollowed {
        /// Its content.
        content: ContentId,
        /// Name and version.
        label: String,
        /// Why.
        error: String,
    },
    /// Older versions of what is followed were given up.
    Retired {
        /// Names and versions.
        labels: Vec<String>,
    },
    /// More came of a kind of event than is told one by one.
    LeftOut {
        /// Its name: `found`, `left`, `unreachable` or `trouble`.
        of: &'static str,
        /// How many were not told.
        count: u64,
    },
    /// Something does not work that the node can do without.
    Trouble {
        /// What.
        what: String,
    },
    /// No new requests are taken; those under way may end.
    Stopping,
    /// The end.
    Stopped,
}

/// Takes events, from any thread.
pub type Observer = dyn Fn(&Event) + Send + Sync;
