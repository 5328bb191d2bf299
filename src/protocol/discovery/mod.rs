//! LAN discovery: the record that a node announces, and the table of the nodes seen.
//!
//! - `service_record`: the announced record and its encoding
//! - `peer_table`: known nodes, with their claimed and proven addresses

pub(crate) mod peer_table;
pub(crate) mod service_record;
