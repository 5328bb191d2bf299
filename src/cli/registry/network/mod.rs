//! Commands about peers.
//!
//! - `connect.rs`: connections to the peers of a command
//! - `look.rs`: datasets that are not here, read at peers
//! - `consent.rs`: the decision of trust policy and person about a pull

pub(crate) mod access;
pub(crate) mod connect;
mod consent;
pub(crate) mod look;
pub(crate) mod node;
mod peer_names;
pub(crate) mod peers;
pub(crate) mod pull;
pub(crate) mod serve;
pub(crate) mod share;
pub(crate) mod sync;
