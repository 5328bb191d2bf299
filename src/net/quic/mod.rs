//! QUIC connections.
//!
//! - `endpoint`: sockets and settings; `dial`: connecting; `probe`: is a port closed?
//! - `peer`: requests to a peer; `response_frames`: frames of responses

pub(crate) mod dial;
pub(crate) mod endpoint;
pub(crate) mod peer;
pub(crate) mod probe;
pub(crate) mod response_frames;
