//! Fetch schedule: distributes the windows of a pull over peers.
//! Each peer takes the next window. A window that a peer gives up goes to another peer. At the end, idle
//! peers fetch the oldest running window a second time ("endgame mode" in BitTorrent).

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;

/// A peer, by its index in the list of peers. Several threads may work for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerSlot(pub usize);

/// Running time after which a second peer may fetch a window too.
const DOUBLED_AFTER: Duration = Duration::from_secs(2);

/// The next task of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextFetch {
    /// Fetch this window.
    Fetch(u64),
    /// Ask again after a change, or after a moment.
    Wait,
    /// Stop: nothing is left, or the peer was dropped.
    End,
}

/// The outcome of a finished window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchOutcome {
    /// It is the first copy.
    First,
    /// Another peer was faster.
    Late,
}

/// The unfinished windows of one pull.
#[derive(Debug, Default)]
pub struct FetchSchedule {
    waiting: VecDeque<u64>,
    /// The peers that fetch a window, each with its start time.
    under_way: BTreeMap<u64, Vec<(PeerSlot, Duration)>>,
    dropped: Vec<bool>,
    is_closed: bool,
}

impl FetchSchedule {
    /// Makes a schedule for this number of peers.
    pub fn new(peers: usize) -> Self {
        Self {
            dropped: vec![false; peers],
            ..Self::default()
        }
    }

    /// Adds a window.
    pub fn offer(&mut self, window: u64) {
        self.waiting.push_back(window);
    }

    /// Adds a window that is fetched before all that wait.
    pub fn offer_first(&mut self, window: u64) {
        self.waiting.push_front(window);
    }

    /// Declares that no more windows will follow.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// Returns the next task of a peer.
    pub fn next(&mut self, peer: PeerSlot, now: Duration) -> NextFetch {
        if self.is_dropped(peer) || self.is_done() {
            return NextFetch::End;
        }
        let window = self.waiting.pop_front().or_else(|| self.slow(peer, now));
        match window {
            Some(window) => {
                let workers = self.under_way.entry(window).or_default();
                workers.push((peer, now));
                NextFetch::Fetch(window)
            }
            None => NextFetch::Wait,
        }
    }

    /// Returns the oldest window that one other peer has fetched for long.
    fn slow(&self, peer: PeerSlot, now: Duration) -> Option<u64> {
        let mut slow = self.under_way.iter().filter(|(_, workers)| {
            let [(other, since)] = workers.as_slice() else {
                return false;
            };
            *other != peer && now.saturating_sub(*since) >= DOUBLED_AFTER
        });
        slow.next().map(|(window, _)| *window)
    }

    /// Marks a window as finished.
    pub fn finish(&mut self, window: u64) -> FetchOutcome {
        match self.under_way.remove(&window) {
            Some(_) => FetchOutcome::First,
            None => FetchOutcome::Late,
        }
    }

    /// Returns true if another peer finished a window.
    pub fn is_finished(&self, window: u64) -> bool {
        !self.under_way.contains_key(&window)
    }

    /// Returns a window that a peer cannot fetch, so that another one takes it.
    pub fn give_back(&mut self, peer: PeerSlot, window: u64) {
        let Some(workers) = self.under_way.get_mut(&window) else {
            return;
        };
        if let Some(at) = workers.iter().position(|(l, _)| *l == peer) {
            workers.remove(at);
        }
        if workers.is_empty() {
            self.under_way.remove(&window);
            self.waiting.push_front(window);
        }
    }

    /// Drops a peer: it gets nothing more.
    pub fn drop_peer(&mut self, peer: PeerSlot) {
        if let Some(dropped) = self.dropped.get_mut(peer.0) {
            *dropped = true;
        }
    }

    /// Returns true if a peer was dropped.
    pub fn is_dropped(&self, peer: PeerSlot) -> bool {
        self.dropped.get(peer.0).copied().unwrap_or(true)
    }

    /// Returns true if every window is finished and none will follow.
    pub fn is_done(&self) -> bool {
        self.is_closed && self.waiting.is_empty() && self.under_way.is_empty()
    }

    /// Returns true if all peers were dropped.
    pub fn is_abandoned(&self) -> bool {
        self.dropped.iter().all(|d| *d)
    }
}
