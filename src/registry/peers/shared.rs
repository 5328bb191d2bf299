//! What the threads that pull one tree share, and how they wait for each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::peers::fetch::Filled;
use crate::registry::peers::fetch::Window;
use crate::sync::PeerError;
use crate::sync::Plan;

/// How long a lane waits for news before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Everything that the threads of one tree share.
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) news: Condvar,
    pub(super) started: Instant,
}

pub(super) struct State {
    pub(super) plan: Plan,
    pub(super) windows: BTreeMap<u64, Arc<Window>>,
    pub(super) ready: BTreeMap<u64, Filled>,
    /// Windows handed to the caller.
    pub(super) used: u64,
    pub(super) planned: u64,
    pub(super) failed: Option<Error>,
    pub(super) last_fault: Option<(String, PeerError)>,
    /// Buffers that windows were in: making new ones costs as much as decompressing into them.
    pub(super) free: Vec<Vec<u8>>,
}

impl Shared {
    pub(super) fn new(plan: Plan) -> Self {
        let state = State {
            plan,
            windows: BTreeMap::new(),
            ready: BTreeMap::new(),
            used: 0,
            planned: 0,
            failed: None,
            last_fault: None,
            free: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            news: Condvar::new(),
            started: host::instant(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let waited = self.news.wait_timeout(state, LOOK_AGAIN);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn fail(&self, error: Error) {
        self.lock().failed.get_or_insert(error);
        self.news.notify_all();
    }
}

/// A thread that panics would leave the others waiting for it.
pub(super) struct Alarm<'a>(pub(super) &'a Shared);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let gone = std::io::Error::other("it panicked");
            self.0.fail(Error::machine("run a worker thread", gone));
        }
    }
}
