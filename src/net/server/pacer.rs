//! Throttle: limits the rate of records.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use crate::net::stop::Stop;
use crate::protocol::Pace;
use crate::registry::host;

/// A rate limit that several threads share.
#[derive(Debug)]
pub(crate) struct Throttle {
    started: Instant,
    pace: Mutex<Pace>,
}

impl Throttle {
    pub(crate) fn new(bytes_per_second: u64) -> Self {
        Self {
            started: host::instant(),
            pace: Mutex::new(Pace::new(bytes_per_second)),
        }
    }

    /// Waits until these bytes are within the rate, or a stop is asked for.
    pub(crate) fn keep(&self, bytes: usize, stop: &Stop) {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = pace.wait_after(self.started.elapsed(), bytes as u64);
        drop(pace);
        stop.sleep(pause);
    }
}
