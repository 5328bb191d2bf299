//! What the threads that pull one tree share, and how they wait for each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::protocol::FetchSchedule;
use crate::protocol::PeerError;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::peers::client::fetch::Filled;
use crate::registry::peers::client::fetch::Window;

/// How long a lane waits for news before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Everything that the threads of one tree share.
pub(in crate::registry::peers) struct Shared {
    pub(in crate::registry::peers) state: Mutex<State>,
    pub(in crate::registry::peers) news: Condvar,
    pub(in crate::registry::peers) started: Instant,
}

pub(in crate::registry::peers) struct State {
    pub(in crate::registry::peers) plan: FetchSchedule,
    pub(in crate::registry::peers) windows: BTreeMap<u64, Arc<Window>>,
    pub(in crate::registry::peers) ready: BTreeMap<u64, Filled>,
    /// Windows handed to the caller.
    pub(in crate::registry::peers) used: u64,
    pub(in crate::registry::peers) planned: u64,
    pub(in crate::registry::peers) failed: Option<Error>,
    pub(in crate::registry::peers) last_fault: Option<(String, PeerError)>,
    /// Buffers that windows were in: making new ones costs as much as decompressing into them.
    pub(in crate::registry::peers) free: Vec<Vec<u8>>,
}

impl Shared {
    pub(in crate::registry::peers) fn new(plan: FetchSchedule) -> Self {
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

    pub(in crate::registry::peers) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::registry::peers) fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        let waited = self.news.wait_timeout(state, LOOK_AGAIN);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(in crate::registry::peers) fn fail(&self, error: Error) {
        self.lock().failed.get_or_insert(error);
        self.news.notify_all();
    }
}

/// A thread that panics would leave the others waiting for it.
pub(in crate::registry::peers) struct PanicGuard<'a>(pub(in crate::registry::peers) &'a Shared);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let gone = std::io::Error::other("it panicked");
            self.0.fail(Error::machine("run a worker thread", gone));
        }
    }
}
