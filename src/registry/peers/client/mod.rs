//! The asking side: offers, pulls, and the windows that peers are asked for.

pub(crate) mod accepted_offer;
pub(crate) mod delta_request;
pub(crate) mod downloader;
pub(crate) mod fetch;
pub(crate) mod offers;
pub(crate) mod peer_state;
pub(crate) mod prefetch;
pub(crate) mod pull;
pub(crate) mod shared_state;
