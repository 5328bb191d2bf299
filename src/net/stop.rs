//! Telling work that waits for the network to stop.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// How often whoever waits looks whether it should go on.
const LOOK_UP: Duration = Duration::from_millis(100);

/// Says whether the work was told to stop. It is asked every 100 ms while something is waited for.
#[derive(Clone)]
pub struct Stop(Arc<dyn Fn() -> bool + Send + Sync>);

impl Stop {
    /// Stops when `is_asked_for` says so.
    pub fn new(is_asked_for: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_asked_for))
    }

    /// Whether to stop.
    pub fn is_asked_for(&self) -> bool {
        (self.0)()
    }

    /// Sleeps, unless it is to stop. Whether it slept to the end.
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

    /// What `work` comes to, or `None` when it is to stop before that. `or` is a second reason.
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
    /// Never stops.
    fn default() -> Self {
        Self::new(|| false)
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stop({})", self.is_asked_for())
    }
}
