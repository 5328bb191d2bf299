//! What one peer may ask how fast. Time comes in as a value.

use std::time::Duration;

/// How much a peer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests under way at once.
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

/// Keeps count for one peer: a token bucket and what is under way.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    budget: RateLimit,
    under_way: u32,
    /// In thousandths of a request.
    tokens: u64,
    last: Duration,
}

impl RateLimiter {
    /// A peer that has done nothing yet. `now` counts from any fixed moment.
    pub fn new(budget: RateLimit, now: Duration) -> Self {
        Self {
            budget,
            under_way: 0,
            tokens: u64::from(budget.burst) * 1000,
            last: now,
        }
    }

    /// Whether one more request is within bounds; if so it is under way until [`RateLimiter::end`].
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

    /// Whether a request that costs as much as so many others is within bounds.
    pub fn charge(&mut self, requests: u32) -> bool {
        let cost = u64::from(requests) * 1000;
        let is_within = self.tokens >= cost;
        if is_within {
            self.tokens -= cost;
        }
        is_within
    }

    /// A request has ended.
    pub fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}

/// How fast bytes may come. Whoever took some is told how long to wait before the next.
#[derive(Clone, Debug)]
pub struct Pace {
    per_second: u64,
    /// When what was taken so far is paid for.
    paid_at: Duration,
}

impl Pace {
    /// So many bytes a second; at least one.
    pub fn new(per_second: u64) -> Self {
        Self {
            per_second: per_second.max(1),
            paid_at: Duration::ZERO,
        }
    }

    /// So many bytes came; how long to wait. What was not used for a while is lost.
    pub fn took(&mut self, now: Duration, bytes: u64) -> Duration {
        let micros = u128::from(bytes) * 1_000_000 / u128::from(self.per_second);
        let cost = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        self.paid_at = self.paid_at.max(now).saturating_add(cost);
        self.paid_at.saturating_sub(now)
    }
}
