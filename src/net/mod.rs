//! Networking: QUIC connections to other nodes, around `protocol` and `registry::peers`. Only this room
//! uses tokio.
//!
//! - `server`: the serving node; `quic`: connections and requests; `async_client`: an async client
//! - `gossip`: exchanges with other nodes; `discovery`: nodes on the LAN
//! - `crypto`: TLS and QUIC keys; `state`: known peers and access list
//! - `fetch`: HTTP for `remote`; `peer_selection`: the peers for a request that names none; `look_peers`: those of a look
//! - `tls`: certificates of servers over TCP
//! - `address`, `offline`, `stop`, `local_time`: small helpers

mod address;
pub(crate) mod async_client;
pub mod crypto;
pub mod discovery;
mod fetch;
pub(crate) mod gossip;
mod local_time;
mod look_peers;
mod offline;
mod peer_selection;
pub(crate) mod quic;
pub(crate) mod server;
pub(crate) mod state;
mod stop;
#[cfg(feature = "doors")]
mod tls;

pub use crate::net::async_client::SyncClient;
pub use crate::net::fetch::HttpTransport;
pub use crate::net::gossip::GossipOptions;
pub use crate::net::gossip::NodeView;
pub use crate::net::quic::dial::DialTarget;
pub use crate::net::quic::peer::Net;
pub use crate::net::quic::peer::Peer;
pub use crate::net::quic::peer::Traffic;
pub use crate::net::server::control::NodeState;
pub use crate::net::server::control::known_nodes;
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
pub use look_peers::LookPeerFinder;
pub use look_peers::OwnedPeer;
pub use offline::forbid_connections;
pub use peer_selection::find_nodes;
pub use peer_selection::select_peers;
pub use stop::Stop;
#[cfg(feature = "doors")]
pub use tls::OwnCertificate;
#[cfg(feature = "doors")]
pub use tls::own_certificate;
#[cfg(feature = "doors")]
pub use tls::tls_config;
