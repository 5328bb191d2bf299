//! The one integration binary: the library and the program, as their users meet them.
#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

mod archives;
mod cards;
mod cli;
mod collect;
mod crash;
mod damage;
mod differences;
mod discovery;
mod filter;
mod fixture;
mod following;
mod hostile;
mod hostile_peers;
mod inspecting;
mod inspecting_datasets;
mod json_text;
mod lan;
mod layering;
mod line_index;
mod mutations;
mod peers;
mod protocol;
mod quic;
mod reading;
mod reconciliation;
mod registry;
mod repair;
mod resemblance;
mod revise;
mod row_diff;
mod row_index;
mod schema;
mod search;
mod signing;
mod spec;
mod support;
mod swarm;
mod targets;
mod trust;
mod writing;
mod zoo;
