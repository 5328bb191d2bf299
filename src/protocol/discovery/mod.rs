//! What a node announces on its LAN, and the table of the nodes that were seen.

pub(crate) mod peer_table;
pub(crate) mod service_record;
