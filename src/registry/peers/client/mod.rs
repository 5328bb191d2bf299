//! The requesting side of a pull.
//!
//! `offers` finds datasets at peers, `accepted_offer` admits one (`consent` asks
//! a person), `pull` gets it. Inside a pull,
//! `prefetch` sends the first requests, `downloader` plans windows, `fetch` fills one, and
//! `peer_state` retries a peer.

pub(crate) mod accepted_offer;
pub(crate) mod consent;
pub(crate) mod delta_request;
pub(crate) mod downloader;
pub(crate) mod fetch;
pub(crate) mod offers;
pub(crate) mod peer_state;
pub(crate) mod prefetch;
pub(crate) mod pull;
pub(crate) mod shared_state;
pub(crate) mod source_ref;
pub(crate) mod window;
