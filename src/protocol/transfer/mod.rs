//! Transfer: the schedule of a pull over several peers, and rate limits.
//!
//! - `schedule`: distribution of windows over peers
//! - `rate_limit`: limits of requests and bytes

pub(crate) mod rate_limit;
pub(crate) mod schedule;
