//! The parties of these tests: a publisher, nodes, an asker, a liar and a relay.

pub mod asker;
pub mod lab;
pub mod liar;
pub mod node;
pub mod relay;
