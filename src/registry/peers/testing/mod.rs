//! Peers of tests: registries in the same process.

pub(crate) mod in_process_peer;
pub(crate) mod lab;
