//! Who fetches which window: each lane takes the next one, what a lane does not finish goes to
//! another, and at the end idle lanes double the oldest that is under way.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;

/// A peer, by its place in the list of peers. Several threads may work for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerSlot(pub usize);

/// A window under way for this long may be fetched from another peer too.
const DOUBLED_AFTER: Duration = Duration::from_secs(2);

/// What a lane is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextFetch {
    /// Fetch this window.
    Fetch(u64),
    /// Ask again when something has changed, or after a moment.
    Wait,
    /// Nothing is left, or this lane was dropped.
    End,
}

/// What a finished window is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchOutcome {
    /// It is the first answer.
    First,
    /// Another lane was faster.
    Late,
}

/// The windows of one pull that are not done.
#[derive(Debug, Default)]
pub struct FetchSchedule {
    waiting: VecDeque<u64>,
    /// Who works on a window, and since when.
    under_way: BTreeMap<u64, Vec<(PeerSlot, Duration)>>,
    dropped: Vec<bool>,
    is_closed: bool,
}

impl FetchSchedule {
    /// A plan for so many lanes.
    pub fn new(lanes: usize) -> Self {
        Self {
            dropped: vec![false; lanes],
            ..Self::default()
        }
    }

    /// Adds a window.
    pub fn offer(&mut self, window: u64) {
        self.waiting.push_back(window);
    }

    /// No more windows will be added.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// What a lane is to do.
    pub fn next(&mut self, lane: PeerSlot, now: Duration) -> NextFetch {
        if self.is_dropped(lane) || self.is_done() {
            return NextFetch::End;
        }
        let window = self.waiting.pop_front().or_else(|| self.slow(lane, now));
        match window {
            Some(window) => {
                let workers = self.under_way.entry(window).or_default();
                workers.push((lane, now));
                NextFetch::Fetch(window)
            }
            None => NextFetch::Wait,
        }
    }

    /// The oldest window that one other lane has worked on for long.
    fn slow(&self, lane: PeerSlot, now: Duration) -> Option<u64> {
        let mut slow = self.under_way.iter().filter(|(_, workers)| {
            let [(other, since)] = workers.as_slice() else {
                return false;
            };
            *other != lane && now.saturating_sub(*since) >= DOUBLED_AFTER
        });
        slow.next().map(|(window, _)| *window)
    }

    /// A lane has a window whole.
    pub fn finish(&mut self, window: u64) -> FetchOutcome {
        match self.under_way.remove(&window) {
            Some(_) => FetchOutcome::First,
            None => FetchOutcome::Late,
        }
    }

    /// Whether a window was finished by another lane meanwhile.
    pub fn is_finished(&self, window: u64) -> bool {
        !self.under_way.contains_key(&window)
    }

    /// A lane cannot have a window: somebody else has to.
    pub fn give_back(&mut self, lane: PeerSlot, window: u64) {
        let Some(workers) = self.under_way.get_mut(&window) else {
            return;
        };
        if let Some(at) = workers.iter().position(|(l, _)| *l == lane) {
            workers.remove(at);
        }
        if workers.is_empty() {
            self.under_way.remove(&window);
            self.waiting.push_front(window);
        }
    }

    /// A lane gets nothing more.
    pub fn drop_lane(&mut self, lane: PeerSlot) {
        if let Some(dropped) = self.dropped.get_mut(lane.0) {
            *dropped = true;
        }
    }

    /// Whether a lane gets nothing more.
    pub fn is_dropped(&self, lane: PeerSlot) -> bool {
        self.dropped.get(lane.0).copied().unwrap_or(true)
    }

    /// Whether every window there will be is finished.
    pub fn is_done(&self) -> bool {
        self.is_closed && self.waiting.is_empty() && self.under_way.is_empty()
    }

    /// Whether nobody is left to fetch.
    pub fn is_abandoned(&self) -> bool {
        self.dropped.iter().all(|d| *d)
    }
}
