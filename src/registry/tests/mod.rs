//! Tests across several operations: power cuts, full disks, collections, rebuilds.

mod collection;
mod delta;
mod features;
mod full_disk;
mod power_cut;
mod read_ahead;
mod rebuild;
mod removal;
mod repair;
mod rotation;
