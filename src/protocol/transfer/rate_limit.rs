//! Rate limits: a token bucket for the requests of one peer, and a pace for bytes. The caller passes
//! times in.

use std::time::Duration;

/// Limits of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Concurrent requests.
    pub concurrent: u32,
    /// Requests a second, in the long run.
    pub per_second: u32,
    /// Requests that may come at once after a pause.
    pub burst: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            concurrent: 32,
            per_second: 1_000,
            burst: 4_000,
        }
    }
}

/// The state of one peer: a token bucket, and the number of running requests.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    budget: RateLimit,
    under_way: u32,
    /// Tokens, in thousandths of a request.
    tokens: u64,
    last: Duration,
}

impl RateLimiter {
    /// Starts for a peer without requests. `now` counts from any fixed moment.
    pub fn new(budget: RateLimit, now: Duration) -> Self {
        Self {
            budget,
            under_way: 0,
            tokens: u64::from(budget.burst) * 1000,
            last: now,
        }
    }

    /// Admits one more request and returns true if it is within the limits. It runs until
    /// [`RateLimiter::end`].
    pub fn begin(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.last);
        self.last = self.last.max(now);
        let passed = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        let gained = passed.saturating_mul(u64::from(self.budget.per_second));
        let full = u64::from(self.budget.burst) * 1000;
        self.tokens = self.tokens.saturating_add(gained).min(full);
        if self.under_way >= self.budget.concurrent || self.tokens < 1000 {
            return false;
        }
        self.tokens -= 1000;
        self.under_way += 1;
        true
    }

    /// Charges a request with the cost of several, and returns true if that is within the limits.
    pub fn charge(&mut self, requests: u32) -> bool {
        let cost = u64::from(requests) * 1000;
        let is_within = self.tokens >= cost;
        if is_within {
            self.tokens -= cost;
        }
        is_within
    }

    /// Ends a request.
    pub fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}

/// A limit of bytes a second. [`Pace::wait_after`] returns the wait before the next bytes.
#[derive(Clone, Debug)]
pub struct Pace {
    per_second: u64,
    /// The time when the bytes so far are paid for.
    paid_at: Duration,
}

impl Pace {
    /// Makes a limit of bytes a second; at least one.
    pub fn new(per_second: u64) -> Self {
        Self {
            per_second: per_second.max(1),
            paid_at: Duration::ZERO,
        }
    }

    /// Counts bytes and returns the time to wait. Unused time does not add up.
    pub fn wait_after(&mut self, now: Duration, bytes: u64) -> Duration {
        let micros = u128::from(bytes) * 1_000_000 / u128::from(self.per_second);
        let cost = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        self.paid_at = self.paid_at.max(now).saturating_add(cost);
        self.paid_at.saturating_sub(now)
    }
}
