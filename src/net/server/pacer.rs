//! Throttle: limits the rate of records.

use std::sync::Mutex;
use std::time::Instant;

use crate::locks::lock;
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
        let mut pace = lock(&self.pace);
        let pause = pace.wait_after(self.started.elapsed(), bytes as u64);
        drop(pace);
        stop.sleep(pause);
    }
}
