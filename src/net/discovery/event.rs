//! The announcement of this node, and the findings of discovery.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::ident::NodeId;
use crate::protocol::ServiceRecord;

/// The announcement of this node, and its addresses.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// The UDP port of its server.
    pub port: u16,
    /// The addresses that it is bound to. An unspecified one, or an empty list, stands for those of
    /// every interface.
    pub addresses: Vec<IpAddr>,
    /// Its service record.
    pub record: ServiceRecord,
}

/// A finding of discovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiscoveryEvent {
    /// A node announced itself, or is still present: this repeats every few minutes.
    Seen {
        /// Its service record.
        record: ServiceRecord,
        /// Its stated addresses; between 1 and 32.
        addresses: Vec<SocketAddr>,
    },
    /// A node announced its end, or its record expired.
    Gone {
        /// The node.
        node: NodeId,
    },
    /// Discovery pauses for up to a minute, and then starts again.
    Trouble {
        /// The reason, for people.
        reason: String,
    },
}

/// Receives findings. One thread calls it, and waits for its return.
pub type EventSink = Arc<dyn Fn(DiscoveryEvent) + Send + Sync>;
