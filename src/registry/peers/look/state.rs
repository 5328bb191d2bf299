//! Windows of a look: those that are ready, those under way, and the schedule for them.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use crate::protocol::FetchSchedule;
use crate::protocol::PeerError;
use crate::registry::error::Error;
use crate::registry::peers::client::fetch::FilledWindow;
use crate::registry::peers::client::window::Window;
use crate::registry::peers::look::read_ahead::ReadAhead;
use crate::registry::peers::look::read_ahead::StreamId;

/// Bytes of ready windows that are kept, at most.
const READY_BYTES_MAX: usize = 64 << 20;
/// Buffers that are kept for reuse.
const FREE_BUFFERS: usize = 4;

/// A window by its place in the data.
#[derive(Clone, Debug)]
pub(super) struct PlannedWindow {
    pub(super) end: u64,
    pub(super) stream: StreamId,
    /// Set if nobody has read it yet, and it was planned ahead.
    pub(super) is_ahead: bool,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    UnderWay,
    Ready(Arc<FilledWindow>),
}

/// Windows and their schedule, for all threads of a look.
pub(super) struct LookState {
    /// By the offset of the first byte. They do not overlap.
    windows: BTreeMap<u64, PlannedWindow>,
    /// Windows that peers fetch, by number.
    fetched: HashMap<u64, Arc<Window>>,
    next_number: u64,
    /// Offsets of ready windows, the least recently used first.
    recent: Vec<u64>,
    free: Vec<Vec<u8>>,
    pub(super) read_ahead: ReadAhead,
    /// The schedule; `None` until peers are met.
    pub(super) schedule: Option<FetchSchedule>,
    pub(super) failed: Option<Arc<Error>>,
    pub(super) last_fault: Option<(String, PeerError)>,
    pub(super) is_closing: bool,
}

/// The state of a place in the data.
pub(super) enum Place {
    /// It was read: the window and its offset.
    Ready(u64, Arc<FilledWindow>),
    /// It is under way.
    UnderWay,
    /// Nobody has asked for it.
    Absent,
}

impl LookState {
    pub(super) fn new(read_ahead: ReadAhead) -> Self {
        Self {
            windows: BTreeMap::new(),
            fetched: HashMap::new(),
            next_number: 0,
            recent: Vec::new(),
            free: Vec::new(),
            read_ahead,
            schedule: None,
            failed: None,
            last_fault: None,
            is_closing: false,
        }
    }

    /// Returns the state of the byte at an offset, and notes that it is read.
    pub(super) fn place(&mut self, at: u64) -> Place {
        let found = self.windows.range_mut(..=at).next_back();
        let Some((start, window)) = found.filter(|(_, w)| at < w.end) else {
            return Place::Absent;
        };
        let Content::Ready(filled) = &window.content else {
            return Place::UnderWay;
        };
        let (start, filled) = (*start, Arc::clone(filled));
        if std::mem::take(&mut window.is_ahead) {
            let stream = window.stream;
            self.read_ahead.read(stream);
        }
        if self.recent.last() != Some(&start) {
            self.recent.retain(|other| *other != start);
            self.recent.push(start);
        }
        Place::Ready(start, filled)
    }

    /// Returns true if a window has the byte at an offset, or will have it.
    pub(super) fn is_planned(&self, at: u64) -> bool {
        let found = self.windows.range(..=at).next_back();
        found.is_some_and(|(_, w)| at < w.end)
    }

    /// Returns the offset of the next window from an offset on.
    pub(super) fn next_window(&self, at: u64) -> u64 {
        let next = self.windows.range(at..).next();
        next.map_or(u64::MAX, |(start, _)| *start)
    }

    /// Adds a window whose data is here.
    pub(super) fn add_ready(
        &mut self,
        start: u64,
        planned: (StreamId, bool),
        filled: FilledWindow,
    ) {
        let end = start.saturating_add(filled.data().len() as u64);
        self.add(start, end, planned, Content::Ready(Arc::new(filled)));
        self.recent.push(start);
        self.make_room(start);
    }

    /// Adds a window that peers fetch. One that somebody waits for goes first.
    pub(super) fn add_fetched(
        &mut self,
        planned: (StreamId, bool),
        window: impl FnOnce(u64) -> Window,
    ) {
        let number = self.next_number;
        self.next_number += 1;
        let window = window(number);
        let end = window.offset.saturating_add(window.bytes() as u64);
        self.add(window.offset, end, planned, Content::UnderWay);
        self.fetched.insert(number, Arc::new(window));
        if let Some(schedule) = &mut self.schedule {
            match planned.1 {
                true => schedule.offer(number),
                false => schedule.offer_first(number),
            }
        }
    }

    fn add(
        &mut self,
        start: u64,
        end: u64,
        (stream, is_ahead): (StreamId, bool),
        content: Content,
    ) {
        self.read_ahead.planned(stream, end, is_ahead);
        let window = PlannedWindow {
            end,
            stream,
            is_ahead,
            content,
        };
        self.windows.insert(start, window);
    }

    /// Returns a window under way by its number.
    pub(super) fn window(&self, number: u64) -> Option<Arc<Window>> {
        self.fetched.get(&number).cloned()
    }

    /// Notes that a window arrived.
    pub(super) fn finish(&mut self, number: u64, filled: FilledWindow) {
        let Some(window) = self.fetched.remove(&number) else {
            return;
        };
        let start = window.offset;
        if let Some(planned) = self.windows.get_mut(&start) {
            planned.content = Content::Ready(Arc::new(filled));
            self.recent.push(start);
            self.make_room(start);
        }
    }

    /// Returns a buffer to fill.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    /// Forgets windows that were used least recently. Those that nobody has read yet go last, and the
    /// one at `kept` stays.
    fn make_room(&mut self, kept: u64) {
        let bytes = |state: &Self| -> u64 {
            let sizes = state.recent.iter();
            let sizes = sizes.filter_map(|at| state.windows.get(at).map(|w| w.end - at));
            sizes.sum()
        };
        while bytes(self) > READY_BYTES_MAX as u64 && self.recent.len() > 1 {
            let unread = |at: &u64| self.windows.get(at).is_some_and(|w| w.is_ahead);
            let candidates = || self.recent.iter().filter(|at| **at != kept);
            let oldest = candidates().find(|at| !unread(at));
            let Some(oldest) = oldest.or_else(|| candidates().next()).copied() else {
                return;
            };
            self.recent.retain(|at| *at != oldest);
            let Some(window) = self.windows.remove(&oldest) else {
                continue;
            };
            if window.is_ahead {
                // Nobody goes on reading there.
                self.read_ahead.end_stream(window.stream);
            }
            if let Content::Ready(filled) = window.content
                && let Some(filled) = Arc::into_inner(filled)
                && self.free.len() < FREE_BUFFERS
            {
                self.free.push(filled.into_buffer());
            }
        }
    }
}
