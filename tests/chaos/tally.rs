//! The count of instants, and the limits that end a part of the test.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// Counts instants: places where a fault was and everything was looked at afterwards.
#[derive(Debug)]
pub struct Tally {
    counts: Mutex<BTreeMap<&'static str, u64>>,
    instants: u64,
    until: Instant,
    part: &'static str,
    began: Instant,
    is_stopped: AtomicBool,
}

impl Tally {
    /// It is enough after so many instants or so long, whichever comes first.
    pub fn new(part: &'static str, instants: u64, seconds: f64) -> Self {
        let began = Instant::now();
        Self {
            counts: Mutex::default(),
            instants,
            until: began + Duration::from_secs_f64(seconds),
            part,
            began,
            is_stopped: AtomicBool::new(false),
        }
    }

    /// One more instant of a kind.
    pub fn add(&self, kind: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(kind).or_default() += 1;
    }

    /// Returns the number of instants of all kinds.
    pub fn total(&self) -> u64 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.values().sum()
    }

    pub fn is_enough(&self) -> bool {
        let is_late = Instant::now() >= self.until;
        is_late || self.is_stopped.load(Ordering::Relaxed) || self.total() >= self.instants
    }

    /// Something failed: it is enough.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let total: u64 = counts.values().sum();
        write!(f, "{}: {total} instants", self.part)?;
        for (kind, count) in counts.iter() {
            write!(f, ", {count} {kind}")?;
        }
        write!(f, " ({:.0} s)", self.began.elapsed().as_secs_f64())
    }
}
