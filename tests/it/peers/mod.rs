//! Nodes that find each other, share, follow and pull.

pub mod discovery;
mod following;
mod looks;
mod node_names;
mod quic;
mod sharing;
mod traffic;
