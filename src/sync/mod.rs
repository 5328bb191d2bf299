//! The protocol `alimentar/1`: messages and their bytes, what a peer may ask how fast, who fetches
//! what, whom to ask at all, how catalogues are compared; what nodes say of themselves on a LAN,
//! who was seen there, and who talks to whom. No sockets, no clock, no threads. Normative:
//! `spec/protocol.md`, `spec/discovery.md`, `spec/filter.md`, `spec/reconciliation.md`,
//! `spec/gossip.md`.

mod answer;
mod conduct;
mod difference;
mod directory;
mod element;
mod filter;
mod follow;
mod frame;
mod gossip;
#[cfg(test)]
mod gossip_tests;
mod hello;
mod item;
mod plan;
mod questions;
mod random;
pub mod reconcile;
mod request;
mod sighting;
mod source;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use answer::Refusal;
pub use answer::RefusalCode;
pub use answer::decode_nodes;
pub use answer::encode_nodes;
pub use answer::pack_batch;
pub use conduct::Budget;
pub use conduct::Conduct;
pub use conduct::Pace;
pub use difference::BaseRun;
pub use difference::Difference;
pub use difference::Group;
pub use difference::HeldVersion;
pub use difference::Nodes;
pub use difference::Part;
pub use difference::PullDifferenceRequest;
pub use difference::PullNodeDifferenceRequest;
pub use directory::Directory;
pub use directory::Neighbour;
pub use directory::Seen;
pub use element::Element;
pub use element::Salt;
pub use filter::Filter;
pub use filter::FilterDigest;
pub use follow::Follow;
pub use follow::FollowError;
pub use follow::Followable;
pub use follow::Kept;
pub use follow::QuietHours;
pub use follow::Version;
pub use frame::FRAME_HEADER_BYTES;
pub use frame::Frame;
pub use frame::FrameReader;
pub use gossip::Gossip;
pub use gossip::Rhythm;
pub use gossip::Talk;
pub use gossip::TalkEnd;
pub use hello::ALPN;
pub use hello::Access;
pub use hello::Hello;
pub use hello::PROTOCOL_VERSION;
pub use item::ItemId;
pub use plan::Lane;
pub use plan::Outcome;
pub use plan::Plan;
pub use plan::Step;
pub use questions::EachAnswer;
pub use questions::Line;
pub use questions::unexpected;
pub use random::Random;
pub use request::ListFilter;
pub use request::NodePlace;
pub use request::PullChunkRequest;
pub use request::PullNodeRequest;
pub use request::ReconcileRequest;
pub use request::Request;
pub use request::Run;
pub use request::SeamRequest;
pub use request::TreeKind;
pub use sighting::SERVICE;
pub use sighting::Shown;
pub use sighting::Sighting;
pub use source::ChunkSource;
pub use source::EachPart;
pub use source::EachRecord;
pub use source::PeerCatalog;
pub use source::PeerError;
pub use source::Reconciled;
