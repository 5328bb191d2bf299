//! The serving node.
//!
//! - `node`: start and stop; `accept`: connections; `connection`: requests of one peer;
//!   `shared`: the state of all
//! - `connection_limit`, `pacer`: limits; `control`, `metrics`, `event`: reports

pub(crate) mod accept;
pub(crate) mod connection;
pub(crate) mod connection_limit;
pub(crate) mod control;
pub(crate) mod event;
pub(crate) mod metrics;
pub(crate) mod node;
pub(crate) mod pacer;
pub(crate) mod shared;
