//! The one integration binary: the library and the program, as their users meet them.
#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

mod admission;
mod archives;
mod cards;
mod claims;
mod cli;
mod collect;
mod columns;
mod crash;
mod damage;
mod differences;
mod discovery;
mod filter;
mod fixture;
mod following;
mod forge;
mod full_disk;
mod homes;
mod hostile;
mod hostile_peers;
mod inputs;
mod inspecting;
mod inspecting_datasets;
mod json_text;
mod lan;
mod layering;
mod line_index;
mod mutations;
mod outputs;
mod peers;
mod protocol;
mod quic;
mod read_only;
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
mod security;
mod signing;
mod spec;
mod support;
mod swarm;
mod targets;
mod trust;
mod volumes;
mod writing;
mod zoo;
