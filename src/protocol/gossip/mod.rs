//! Gossip: the schedule of exchanges between nodes, and the follow rules.
//!
//! - `schedule`: peers and topics of the next exchange
//! - `follow`: the datasets that a node keeps up to date by itself

pub(crate) mod follow;
pub(crate) mod schedule;
#[cfg(test)]
mod tests;
