//! Files of a home about other nodes: known keys, access lists.

pub(crate) mod access_list;
pub(crate) mod known_peers;
