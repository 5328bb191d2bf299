//! The protocol `alimentar/1`: messages and their bytes, what a peer may ask how fast, and who
//! fetches what; what nodes say of themselves on a LAN, and who was seen there. No sockets, no clock,
//! no threads. Normative: `spec/protocol.md`, `spec/discovery.md`.

mod answer;
mod conduct;
mod directory;
mod element;
mod frame;
mod hello;
mod plan;
mod questions;
mod request;
mod sighting;
mod source;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use answer::Refusal;
pub use answer::RefusalCode;
pub use answer::pack_batch;
pub use conduct::Budget;
pub use conduct::Conduct;
pub use directory::Directory;
pub use directory::Neighbour;
pub use directory::Seen;
pub use element::Element;
pub use element::Salt;
pub use frame::FRAME_HEADER_BYTES;
pub use frame::Frame;
pub use frame::FrameReader;
pub use hello::ALPN;
pub use hello::Access;
pub use hello::Hello;
pub use plan::Lane;
pub use plan::Outcome;
pub use plan::Plan;
pub use plan::Step;
pub use questions::EachAnswer;
pub use questions::Line;
pub use questions::unexpected;
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
pub use source::EachRecord;
pub use source::PeerCatalog;
pub use source::PeerError;
pub use source::Reconciled;
