//! Claims: the effect of an announcement on the table, and its rate.

use std::time::Duration;

use crate::protocol::transfer::rate_limit::RateLimiter;

/// The effect of an announcement on the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// The node is new in the table.
    New,
    /// The node's record changed, or it has another address.
    Changed,
    /// The announcement holds nothing new.
    Same,
    /// The table refused the claim: it is this node itself, no address is usable, or there is no room,
    /// or the rate is exceeded.
    Refused,
}

/// Returns true if an event is within a limit that counts only its rate.
pub(in crate::protocol::discovery::peer_table) fn admits(
    limiter: &mut RateLimiter,
    now: Duration,
) -> bool {
    let is_within = limiter.begin(now);
    if is_within {
        limiter.end();
    }
    is_within
}
