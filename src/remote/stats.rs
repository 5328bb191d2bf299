//! Counts of requests and bytes.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Counts of everything that was read from elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    received: AtomicU64,
    cached: AtomicU64,
    whole: AtomicU64,
    retries: AtomicU64,
}

/// Requests and bytes until now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Requests that were sent, redirects and repetitions included.
    pub requests: u64,
    /// Requests that were repeated.
    pub retries: u64,
    /// Bytes of bodies that were received.
    pub received_bytes: u64,
    /// Bytes that came from the cache on disk.
    pub cached_bytes: u64,
    /// Bytes of all files that were opened.
    pub whole_bytes: u64,
}

impl Counters {
    pub(crate) fn sent(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn repeated(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn cached(&self, bytes: u64) {
        self.cached.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn opened(&self, bytes: u64) {
        self.whole.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Statistics {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Statistics {
            requests: of(&self.requests),
            retries: of(&self.retries),
            received_bytes: of(&self.received),
            cached_bytes: of(&self.cached),
            whole_bytes: of(&self.whole),
        }
    }
}
