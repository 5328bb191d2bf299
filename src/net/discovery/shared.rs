//! State that the discovery thread shares with its handle.

use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use mdns_sd::ServiceDaemon;

use crate::locks::lock;
use crate::net::discovery::event::Announcement;
use crate::protocol::SERVICE;

/// The state that the thread shares with [`Discovery`].
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) woken: Condvar,
}

pub(super) struct State {
    pub(super) own: Option<Announcement>,
    /// The running daemon; `None` while discovery pauses.
    pub(super) daemon: Option<ServiceDaemon>,
    pub(super) refresh: bool,
    pub(super) stop: bool,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Makes the thread read the wanted state now rather than at its next turn.
    pub(super) fn wake(&self) {
        if let Some(daemon) = &self.lock().daemon {
            // This ends its subscription, which it begins again.
            let _ = daemon.stop_browse(SERVICE);
        }
        self.woken.notify_all();
    }

    /// Waits, unless a stop is asked for. Returns true if it is.
    pub(super) fn pause(&self, for_long: Duration) -> bool {
        let waiting = |state: &mut State| !state.stop;
        let waited = self
            .woken
            .wait_timeout_while(self.lock(), for_long, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.stop
    }
}
