//! The protocol `alimentar/1`: messages and their bytes, what a peer may ask how fast, who fetches
//! what, whom to ask at all, how catalogues are compared; what nodes say of themselves on a LAN,
//! who was seen there, and who talks to whom. No sockets, no clock, no threads. Normative:
//! `spec/protocol.md`, `spec/discovery.md`, `spec/filter.md`, `spec/reconciliation.md`,
//! `spec/gossip.md`.

pub(crate) mod client;
pub(crate) mod discovery;
mod filter;
pub(crate) mod gossip;
pub(crate) mod messages;
mod random;
pub mod reconcile;
mod source;
#[cfg(test)]
mod tests;
pub(crate) mod transfer;

pub use crate::protocol::client::EachResponse;
pub use crate::protocol::client::PeerConnection;
pub use crate::protocol::client::unexpected;
pub use crate::protocol::discovery::peer_table::Neighbour;
pub use crate::protocol::discovery::peer_table::PeerTable;
pub use crate::protocol::discovery::peer_table::Seen;
pub use crate::protocol::discovery::service_record::SERVICE;
pub use crate::protocol::discovery::service_record::ServiceRecord;
pub use crate::protocol::discovery::service_record::SharedSummary;
pub use crate::protocol::gossip::follow::Follow;
pub use crate::protocol::gossip::follow::FollowError;
pub use crate::protocol::gossip::follow::Followable;
pub use crate::protocol::gossip::follow::Kept;
pub use crate::protocol::gossip::follow::QuietHours;
pub use crate::protocol::gossip::follow::Version;
pub use crate::protocol::gossip::schedule::Exchange;
pub use crate::protocol::gossip::schedule::ExchangeOutcome;
pub use crate::protocol::gossip::schedule::Gossip;
pub use crate::protocol::gossip::schedule::GossipConfig;
pub use crate::protocol::messages::delta::BaseRun;
pub use crate::protocol::messages::delta::Delta;
pub use crate::protocol::messages::delta::Group;
pub use crate::protocol::messages::delta::HeldVersion;
pub use crate::protocol::messages::delta::Nodes;
pub use crate::protocol::messages::delta::Part;
pub use crate::protocol::messages::delta::PullDeltaRequest;
pub use crate::protocol::messages::delta::PullNodeDeltaRequest;
pub use crate::protocol::messages::element::Element;
pub use crate::protocol::messages::element::Salt;
pub use crate::protocol::messages::frame::FRAME_HEADER_BYTES;
pub use crate::protocol::messages::frame::Frame;
pub use crate::protocol::messages::frame::FrameReader;
pub use crate::protocol::messages::hello::ALPN;
pub use crate::protocol::messages::hello::Access;
pub use crate::protocol::messages::hello::Hello;
pub use crate::protocol::messages::hello::PROTOCOL_VERSION;
pub use crate::protocol::messages::item::ItemId;
pub use crate::protocol::messages::request::ListFilter;
pub use crate::protocol::messages::request::NodePlace;
pub use crate::protocol::messages::request::PullChunkRequest;
pub use crate::protocol::messages::request::PullNodeRequest;
pub use crate::protocol::messages::request::ReconcileRequest;
pub use crate::protocol::messages::request::RecordBoundariesRequest;
pub use crate::protocol::messages::request::Request;
pub use crate::protocol::messages::request::Run;
pub use crate::protocol::messages::request::TreeKind;
pub use crate::protocol::messages::response::Refusal;
pub use crate::protocol::messages::response::RefusalCode;
pub use crate::protocol::messages::response::Response;
pub use crate::protocol::messages::response::decode_nodes;
pub use crate::protocol::messages::response::encode_nodes;
pub use crate::protocol::messages::response::pack_batch;
pub use crate::protocol::transfer::rate_limit::Pace;
pub use crate::protocol::transfer::rate_limit::RateLimit;
pub use crate::protocol::transfer::rate_limit::RateLimiter;
pub use crate::protocol::transfer::schedule::FetchOutcome;
pub use crate::protocol::transfer::schedule::FetchSchedule;
pub use crate::protocol::transfer::schedule::NextFetch;
pub use crate::protocol::transfer::schedule::PeerSlot;
pub use filter::Filter;
pub use filter::FilterDigest;
pub use random::Random;
pub use source::ChunkSource;
pub use source::EachPart;
pub use source::EachRecord;
pub use source::PeerCatalog;
pub use source::PeerError;
pub use source::Reconciled;
