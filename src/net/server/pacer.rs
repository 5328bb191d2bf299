//! How fast records come, where that is limited.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use crate::net::stop::Stop;
use crate::protocol::Pace;
use crate::registry::host;

/// A pace that several threads keep together.
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

    /// Waits until so many bytes more are within the pace, or it is to stop.
    pub(crate) fn keep(&self, bytes: usize, stop: &Stop) {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = pace.took(self.started.elapsed(), bytes as u64);
        drop(pace);
        stop.sleep(pause);
    }
}
