//! The one integration binary: the library and the program, as their users meet them.
#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

mod archives;
mod cli;
mod collections;
mod datasets;
mod documents;
mod doors;
mod edits;
mod features;
mod hostile;
mod inspect;
mod layering;
mod mcp;
mod messages;
mod peers;
mod readme;
mod remote;
mod remote_index;
mod spec;
mod storage;
mod support;
mod swarm;
mod trust;
mod view;
