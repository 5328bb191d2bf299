//! Tests between registries in the same process.

mod admission;
mod advertised;
mod claims;
mod delta;
mod look;
mod prefetch;
mod pull;
mod reconcile;
