//! The serving node: accepting connections, limits, the control socket, metrics.

pub(crate) mod accept;
pub(crate) mod connection;
pub(crate) mod connection_limit;
pub(crate) mod control;
pub(crate) mod event;
pub(crate) mod metrics;
pub(crate) mod node;
pub(crate) mod pacer;
