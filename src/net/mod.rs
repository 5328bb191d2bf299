//! Other nodes over QUIC: the driver around `sync` and `registry::peers`. The only room that
//! knows tokio.

mod address;
pub(crate) mod async_client;
pub mod crypto;
pub mod discovery;
pub(crate) mod gossip;
mod local_time;
pub(crate) mod quic;
pub(crate) mod server;
pub(crate) mod state;
mod stop;

pub use crate::net::async_client::SyncClient;
pub use crate::net::gossip::NeighbourOptions;
pub use crate::net::gossip::NeighbourView;
pub use crate::net::quic::dial::Whereabouts;
pub use crate::net::quic::peer::Net;
pub use crate::net::quic::peer::Peer;
pub use crate::net::quic::peer::Traffic;
pub use crate::net::server::control::NodeState;
pub use crate::net::server::control::nodes_around;
pub use crate::net::server::control::running_node;
pub use crate::net::server::control::socket_path;
pub use crate::net::server::event::Event;
pub use crate::net::server::event::Observer;
pub use crate::net::server::node::Node;
pub use crate::net::server::node::ServeOptions;
pub use crate::net::state::access_list::AccessList;
pub use crate::net::state::known_peers::KnownPeers;
pub use crate::net::state::known_peers::Pinned;
pub use address::AddressError;
pub use address::PeerAddress;
pub use stop::Stop;
