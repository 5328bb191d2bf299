//! The time of the next look at a source.

use std::time::Duration;

use crate::splitmix;

/// Looks of one table, by the clock of the caller.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Looks {
    /// The time of the last one, in microseconds.
    pub(super) last: Option<i64>,
    /// The number of all.
    pub(super) count: u64,
    /// The number of those that failed since one went well.
    pub(super) failures: u32,
}

/// Longest pause after failures, in intervals.
const PAUSE_MAX: u32 = 8;

impl Looks {
    /// Takes note of a look.
    pub(super) fn note(&mut self, now: i64, is_good: bool) {
        self.last = Some(now);
        self.count = self.count.wrapping_add(1);
        self.failures = match is_good {
            true => 0,
            false => self.failures.saturating_add(1),
        };
    }

    /// Returns the time until the next look. A clock that went backwards makes it due.
    pub(super) fn wait(&self, name: &str, interval: Duration, now: i64) -> Duration {
        let Some(last) = self.last else {
            return Duration::ZERO;
        };
        let Ok(since) = u64::try_from(now.saturating_sub(last)) else {
            return Duration::ZERO;
        };
        let pause = self.pause(name, interval);
        pause.saturating_sub(Duration::from_micros(since))
    }

    /// Returns the interval, 10 % more or less so that many nodes do not look at the same moment, and twice as long for
    /// each failure.
    fn pause(&self, name: &str, interval: Duration) -> Duration {
        let times = 1_u32.checked_shl(self.failures).unwrap_or(PAUSE_MAX);
        let whole = interval.saturating_mul(times.clamp(1, PAUSE_MAX));
        let seed = name.bytes().fold(self.count, |seed, byte| {
            splitmix::mix(seed ^ u64::from(byte))
        });
        // From 900 to 1100 thousandths.
        let thousandths = u32::try_from(splitmix::drawn(seed) % 201).unwrap_or(0) + 900;
        (whole / 1000).saturating_mul(thousandths)
    }
}
