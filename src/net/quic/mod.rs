//! QUIC connections: endpoints, dialling, requests and the frames of responses.

pub(crate) mod dial;
pub(crate) mod endpoint;
pub(crate) mod peer;
pub(crate) mod probe;
pub(crate) mod response_frames;
