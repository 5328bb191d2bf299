//! Threads that fetch windows of a look from one peer each.

use std::sync::Arc;

use crate::locks::lock;
use crate::protocol::FetchSchedule;
use crate::protocol::NextFetch;
use crate::protocol::PeerError;
use crate::protocol::PeerSlot;
use crate::protocol::TreeKind;
use crate::registry::delta::similarity::ReceivedRecords;
use crate::registry::error::Error;
use crate::registry::peers::client::fetch::DeltaFlag;
use crate::registry::peers::client::fetch::WindowError;
use crate::registry::peers::client::fetch::WindowFiller;
use crate::registry::peers::client::peer_state::PullPeer;
use crate::registry::peers::client::peer_state::fill_with_retries;
use crate::registry::peers::client::peer_state::no_peer_left;
use crate::registry::peers::client::window::Window;
use crate::registry::peers::look::keep::LookKeeper;
use crate::registry::peers::look::shared::LookShared;

/// Concurrent requests to one peer.
const THREADS_PER_PEER: usize = 3;

impl LookShared {
    /// Meets the peers and starts the threads, if that was not done.
    ///
    /// # Errors
    /// As [`PeerPool::get`](super::peers::PeerPool::get).
    pub(super) fn start_workers(&self) -> Result<(), Error> {
        if self.lock().schedule.is_some() {
            return Ok(());
        }
        let peers = self.peers.get(self.offer.envelope_id(), self.manifest())?;
        let mut schedule = FetchSchedule::new(peers.len());
        for (n, _) in peers.iter().enumerate().filter(|(_, p)| !p.is_usable()) {
            schedule.drop_peer(PeerSlot(n));
        }
        self.lock().schedule = Some(schedule);
        let mut threads = lock(&self.threads);
        for slot in 0..peers.len() {
            for _ in 0..THREADS_PER_PEER {
                if let Some(shared) = self.me.upgrade() {
                    threads.push(std::thread::spawn(move || {
                        let _guard = PanicGuard(&shared);
                        shared.work(PeerSlot(slot));
                    }));
                }
            }
        }
        Ok(())
    }

    /// Main loop of a thread.
    fn work(&self, slot: PeerSlot) {
        let Some(peer) = self.peers.met().get(slot.0) else {
            return;
        };
        let records = ReceivedRecords::new(&self.keeping.session, &self.similarity);
        let keeping = LookKeeper {
            keeping: &self.keeping,
            records: &records,
        };
        let is_unneeded = |number| {
            let state = self.lock();
            let schedule = state.schedule.as_ref();
            state.is_closing || schedule.is_none_or(|s| s.is_finished(number))
        };
        let filler = self.filler(&keeping, &is_unneeded, &peer.asks_deltas);
        while let Some(window) = self.next_window(slot, peer) {
            let buffer = self.lock().buffer();
            match fill_with_retries(&filler, &window, &*peer.source, buffer) {
                Ok(filled) => {
                    peer.add_chunks(filled.fetched);
                    let mut state = self.lock();
                    if let Some(schedule) = &mut state.schedule {
                        schedule.finish(window.number);
                    }
                    state.finish(window.number, filled);
                    drop(state);
                    self.news.notify_all();
                    self.save_if_due();
                }
                Err(WindowError::Here(error)) => return self.fail(error),
                Err(WindowError::Peer(error)) => {
                    if !self.give_back(slot, peer, window.number, error, &is_unneeded) {
                        return;
                    }
                }
            }
        }
    }

    /// Returns a window that a peer could not fill, and reconnects if that may help. Returns false if
    /// the thread has to end.
    fn give_back(
        &self,
        slot: PeerSlot,
        peer: &PullPeer<'_>,
        number: u64,
        error: PeerError,
        is_unneeded: &dyn Fn(u64) -> bool,
    ) -> bool {
        if matches!(error, PeerError::Stopped) && !is_unneeded(number) {
            // The connection itself was told to stop.
            self.fail(Error::Interrupted);
            return false;
        }
        if let Some(schedule) = &mut self.lock().schedule {
            // Another peer may take the window while this one reconnects.
            schedule.give_back(slot, number);
        }
        self.news.notify_all();
        let is_over = || self.is_over();
        let is_back = match &error {
            PeerError::Stopped => true,
            error if error.is_final() => false,
            error => peer.reconnected(error, &is_over),
        };
        if !is_back {
            peer.give_up(&error);
            self.lock().last_fault = Some((peer.source.address(), error));
        }
        true
    }

    /// Waits for the next window. Returns `None` when the look ends, or the peer is not used any more.
    fn next_window(&self, slot: PeerSlot, peer: &PullPeer<'_>) -> Option<Arc<Window>> {
        let mut state = self.lock();
        loop {
            if state.is_closing || state.failed.is_some() {
                return None;
            }
            let now = self.begun.elapsed();
            let schedule = state.schedule.as_mut()?;
            if !peer.is_usable() {
                schedule.drop_peer(slot);
                let is_abandoned = schedule.is_abandoned();
                let fault = state.last_fault.take().filter(|_| is_abandoned);
                drop(state);
                if is_abandoned {
                    self.fail(no_peer_left(fault));
                }
                return None;
            }
            match schedule.next(slot, now) {
                NextFetch::Fetch(number) => match state.window(number) {
                    Some(window) => return Some(window),
                    None => continue,
                },
                NextFetch::Wait => state = self.wait(state),
                NextFetch::End => return None,
            }
        }
    }

    /// Returns a filler of windows.
    pub(super) fn filler<'a>(
        &'a self,
        keeping: &'a LookKeeper<'a>,
        is_unneeded: &'a (dyn Fn(u64) -> bool + Sync),
        reads_deltas: &'a DeltaFlag,
    ) -> WindowFiller<'a> {
        WindowFiller {
            manifest: self.manifest(),
            envelope: self.offer.envelope_id(),
            tree: TreeKind::Data,
            session: &self.keeping.session,
            keeping,
            reader: &self.reader,
            is_unneeded,
            held: None,
            reads_deltas,
        }
    }
}

/// Fails the look if its thread panics, so that readers do not wait for it.
pub(super) struct PanicGuard<'a>(pub(super) &'a LookShared);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(Error::WorkerPanicked("worker"));
        }
    }
}
