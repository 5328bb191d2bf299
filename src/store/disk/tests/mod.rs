//! Tests of the store on a simulated disk.

mod delta;
mod stale;
