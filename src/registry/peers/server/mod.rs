//! The serving side. `responses` handles a request, `visibility` decides what a peer may see,
//! `chunks` and `deltas` serve data, and `tree_delta` serves tree nodes.

pub(crate) mod chunks;
pub(crate) mod deltas;
pub(crate) mod request_context;
pub(crate) mod response_end;
pub(crate) mod responses;
pub(crate) mod tree_delta;
pub(crate) mod visibility;
