//! Shared state of the threads that download one tree, with their condition variable.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::locks::lock;
use crate::protocol::FetchSchedule;
use crate::protocol::PeerError;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::peers::client::fetch::FilledWindow;
use crate::registry::peers::client::window::Window;

/// Longest wait of a fetching thread before it checks again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// State that all threads of one tree share.
pub(in crate::registry::peers) struct Shared {
    pub(in crate::registry::peers) state: Mutex<DownloadState>,
    pub(in crate::registry::peers) news: Condvar,
    pub(in crate::registry::peers) started: Instant,
}

pub(in crate::registry::peers) struct DownloadState {
    pub(in crate::registry::peers) plan: FetchSchedule,
    pub(in crate::registry::peers) windows: BTreeMap<u64, Arc<Window>>,
    pub(in crate::registry::peers) ready: BTreeMap<u64, FilledWindow>,
    /// Number of windows passed to the caller.
    pub(in crate::registry::peers) used: u64,
    pub(in crate::registry::peers) planned: u64,
    pub(in crate::registry::peers) failed: Option<Error>,
    pub(in crate::registry::peers) last_fault: Option<(String, PeerError)>,
    /// Buffers for reuse: allocating a new one costs as much as decompressing into it.
    pub(in crate::registry::peers) free: Vec<Vec<u8>>,
}

impl Shared {
    pub(in crate::registry::peers) fn new(plan: FetchSchedule) -> Self {
        let state = DownloadState {
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

    pub(in crate::registry::peers) fn lock(&self) -> MutexGuard<'_, DownloadState> {
        lock(&self.state)
    }

    pub(in crate::registry::peers) fn wait<'a>(
        &self,
        state: MutexGuard<'a, DownloadState>,
    ) -> MutexGuard<'a, DownloadState> {
        let waited = self.news.wait_timeout(state, LOOK_AGAIN);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(in crate::registry::peers) fn fail(&self, error: Error) {
        self.lock().failed.get_or_insert(error);
        self.news.notify_all();
    }
}

/// Fails the download if its thread panics, so that the other threads do not wait for it.
pub(in crate::registry::peers) struct PanicGuard<'a>(pub(in crate::registry::peers) &'a Shared);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(Error::WorkerPanicked("worker"));
        }
    }
}
