//! Who fetches which part of a dataset, and how fast a peer may ask.

pub(crate) mod rate_limit;
pub(crate) mod schedule;
