//! Stop requests for work that waits for the network.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Interval at which waiting code asks for a stop.
const LOOK_UP: Duration = Duration::from_millis(100);

/// A question that returns true if the work should stop. Waiting code asks it every 100 ms.
#[derive(Clone)]
pub struct Stop(Arc<dyn Fn() -> bool + Send + Sync>);

impl Stop {
    /// Makes a stop request from `is_asked_for`.
    pub fn new(is_asked_for: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_asked_for))
    }

    /// Returns true if the work should stop.
    pub fn is_asked_for(&self) -> bool {
        (self.0)()
    }

    /// Sleeps, unless a stop is asked for. Returns true if it slept to the end.
    pub(crate) fn sleep(&self, pause: Duration) -> bool {
        let mut left = pause;
        while !left.is_zero() {
            if self.is_asked_for() {
                return false;
            }
            let step = left.min(LOOK_UP);
            std::thread::sleep(step);
            left -= step;
        }
        true
    }

    /// Returns the result of `work`, or `None` when a stop is asked for before. `or` is a second reason
    /// to stop.
    pub(crate) async fn unless<T>(
        &self,
        or: impl Fn() -> bool,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        loop {
            match tokio::time::timeout(LOOK_UP, work.as_mut()).await {
                Ok(done) => return Some(done),
                Err(_) if self.is_asked_for() || or() => return None,
                Err(_) => {}
            }
        }
    }
}

impl Default for Stop {
    /// Makes a request that never stops the work.
    fn default() -> Self {
        Self::new(|| false)
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stop({})", self.is_asked_for())
    }
}
