//! What a serving node tells: one event at a time, for logs and for programs that started it.

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
    /// No new requests are taken; those under way may end.
    Stopping,
    /// The end.
    Stopped,
}

/// Takes events, from any thread.
pub type Observer = dyn Fn(&Event) + Send + Sync;
