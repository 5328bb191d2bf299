//! The tables of a server, and its budgets.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::feature_server::body::BodyBudget;
use crate::feature_server::limits::LARGE_AT_ONCE;
#[cfg(target_os = "linux")]
use crate::feature_server::limits::LOAD_NICENESS;
use crate::feature_server::limits::REQUESTS_AT_ONCE;
use crate::feature_server::limits::TURN;
use crate::feature_server::limits::WAITING_MAX;
use crate::feature_server::metrics::Metrics;
use crate::feature_server::refusal::Refusal;
use crate::features::serving::FeatureTables;
use crate::panics::caught;

/// Returns the time in microseconds since 1970-01-01 UTC.
#[allow(
    clippy::disallowed_methods,
    reason = "the server's clock; the tables get the time as an argument"
)]
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}

/// Facts about a connection.
#[derive(Default)]
pub(super) struct Link {
    /// True after a request that only the first generation of clients sends. Its schemas have another form.
    pub(super) is_first_generation: AtomicBool,
}

/// A budget of requests that work at one time.
pub(super) struct Turns {
    working: Semaphore,
    waiting: AtomicUsize,
}

impl Turns {
    fn new(at_once: usize) -> Self {
        Self {
            working: Semaphore::new(at_once),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// A refusal if too many wait, or it takes too long.
    pub(super) async fn take(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        if let Ok(permit) = self.working.try_acquire() {
            return Ok(permit);
        }
        let busy = || Refusal::busy("the server has too many requests");
        let _waiting = Waiting::begin(&self.waiting).ok_or_else(busy)?;
        match timeout(TURN, self.working.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(busy()),
        }
    }
}

/// A request that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Option<Self> {
        let waiting = Self(count);
        (count.fetch_add(1, Ordering::Relaxed) < WAITING_MAX).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The tables of a server, and its budgets of work.
pub(super) struct Work {
    pub(super) tables: Arc<FeatureTables>,
    pub(super) requests: Turns,
    large: Turns,
}

impl Work {
    pub(super) fn new(tables: Arc<FeatureTables>) -> Self {
        Self {
            tables,
            requests: Turns::new(REQUESTS_AT_ONCE),
            large: Turns::new(LARGE_AT_ONCE),
        }
    }

    /// Does short work on this thread.
    ///
    /// # Errors
    /// Those of the work; a refusal for a panic.
    pub(super) fn here<T>(
        &self,
        work: impl FnOnce(&FeatureTables) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        caught(|| work(&self.tables)).unwrap_or_else(|_| Err(Refusal::internal()))
    }

    /// Does long work beside the threads of connections.
    ///
    /// # Errors
    /// Those of the work; a refusal for a panic, and if there is too much to do.
    pub(super) async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&FeatureTables) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let _turn = self.large.take().await?;
        let tables = Arc::clone(&self.tables);
        let done = tokio::task::spawn_blocking(move || caught(|| work(&tables)));
        match done.await {
            Ok(Ok(done)) => done,
            _ => Err(Refusal::internal()),
        }
    }

    /// Does a load on a thread of its own, which gives way to those that answer.
    ///
    /// # Errors
    /// As [`Work::beside`].
    pub(super) async fn loading<T: Send + 'static>(
        &self,
        work: impl FnOnce(&FeatureTables) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let _turn = self.large.take().await?;
        let tables = Arc::clone(&self.tables);
        let (send, done) = oneshot::channel();
        let thread = std::thread::Builder::new().name("load".to_owned());
        let begun = thread.spawn(move || {
            give_way();
            // A client that went away takes no answer.
            let _ = send.send(caught(|| work(&tables)));
        });
        begun.map_err(|_| Refusal::internal())?;
        match done.await {
            Ok(Ok(done)) => done,
            _ => Err(Refusal::internal()),
        }
    }
}

/// Gives this thread, and those that it starts, a lower priority than that of threads which answer requests. On a system
/// where that is a property of the whole process, nothing changes.
pub(super) fn give_way() {
    // A system that refuses loads as fast as it answers.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(LOAD_NICENESS);
}

/// The parts of a server that its connections use.
pub(super) struct Shared {
    pub(super) work: Work,
    pub(super) metrics: Metrics,
    pub(super) budget: BodyBudget,
}

impl Shared {
    pub(super) fn new(tables: Arc<FeatureTables>) -> Self {
        Self {
            work: Work::new(tables),
            metrics: Metrics::default(),
            budget: BodyBudget::new(),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn thread_that_gives_way_changes_no_other() {
        let before = getpriority_process(None).unwrap();
        let thread = std::thread::spawn(|| {
            give_way();
            getpriority_process(None).unwrap()
        });
        let lower = thread.join().unwrap();
        assert_eq!(lower, (before + LOAD_NICENESS).min(19));
        assert_eq!(getpriority_process(None).unwrap(), before);
    }
}
