//! Other nodes over QUIC: the driver around `sync` and `registry::peers`. The only room that
//! knows tokio.

mod access;
mod address;
mod answers;
mod client;
mod control;
pub mod crypto;
mod dial;
pub mod discovery;
mod endpoint;
mod event;
mod gate;
mod known_peers;
mod local_time;
mod metrics;
mod neighbours;
mod node;
mod pacer;
mod peer;
mod probe;
mod serve;
mod session;
mod stop;

pub use access::AccessList;
pub use address::AddressError;
pub use address::PeerAddress;
pub use client::SyncClient;
pub use control::NodeState;
pub use control::nodes_around;
pub use control::running_node;
pub use control::socket_path;
pub use dial::Whereabouts;
pub use event::Event;
pub use event::Observer;
pub use known_peers::KnownPeers;
pub use known_peers::Pinned;
pub use neighbours::NeighbourOptions;
pub use neighbours::NeighbourView;
pub use node::Node;
pub use node::ServeOptions;
pub use peer::Net;
pub use peer::Peer;
pub use peer::Traffic;
pub use stop::Stop;
