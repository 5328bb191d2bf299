//! Counting newlines on several threads. What is counted from the front on, without a gap, can be
//! asked for meanwhile.

use std::collections::BTreeMap;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::inspect::line_index::Counted;
use crate::inspect::line_index::LineIndex;
use crate::inspect::line_index::LinesError;
use crate::inspect::line_index::Place;
use crate::inspect::line_index::read::read_some;
use crate::progress::Progress;
use crate::read_at::ReadAt;

/// An index that grows on some threads while others ask it.
#[derive(Debug)]
pub struct Growing {
    state: Mutex<State>,
    /// More is counted, or nobody counts any more.
    moved: Condvar,
}

#[derive(Debug)]
struct State {
    index: LineIndex,
    /// Where the next piece begins that nobody counts yet.
    next: u64,
    /// Pieces that were counted before one in front of them, by where they begin.
    early: BTreeMap<u64, Counted>,
    failed: Option<LinesError>,
    /// Nobody counts any more, and this is why, where not everything is counted.
    ended: Option<Option<LinesError>>,
}

impl Growing {
    /// One that goes on behind what an index covers.
    pub fn new(index: LineIndex) -> Self {
        Self {
            state: Mutex::new(State {
                next: index.covered,
                index,
                early: BTreeMap::new(),
                failed: None,
                ended: None,
            }),
            moved: Condvar::new(),
        }
    }

    /// Where a line is, as far as is known by now.
    pub fn locate(&self, line: u64) -> Place {
        self.state().index.locate(line)
    }

    /// How many bytes are counted without a gap.
    pub fn covered(&self) -> u64 {
        self.state().index.covered
    }

    /// The index, of as much as was counted.
    pub fn into_index(self) -> LineIndex {
        let state = self.state.into_inner();
        state.unwrap_or_else(PoisonError::into_inner).index
    }

    /// Whoever waits need not wait any longer: nobody counts any more.
    pub(super) fn end(&self, why: Option<LinesError>) {
        self.state().ended.get_or_insert(why);
        self.moved.notify_all();
    }

    /// The index of what was counted, and why it is not all of it.
    pub(super) fn ended(&self) -> (LineIndex, Result<(), LinesError>) {
        let state = self.state();
        let why = state.ended.as_ref().and_then(Option::as_ref);
        let why = why.map_or(Ok(()), |error| Err(error.again()));
        (state.index.clone(), why)
    }

    /// Waits until others have counted as much as is needed to know where a line is or that there
    /// is none, or all; the index as it is then.
    pub(super) fn wait(
        &self,
        until: Option<u64>,
        progress: &dyn Progress,
    ) -> Result<LineIndex, LinesError> {
        let mut state = self.state();
        loop {
            let index = &state.index;
            let is_known = until.is_some_and(|line| index.locate(line) != Place::NotYet);
            if is_known || index.is_complete() {
                return Ok(index.clone());
            }
            if let Some(why) = &state.ended {
                // Whoever ended without an error had counted everything.
                let why = why.as_ref().unwrap_or(&LinesError::Interrupted);
                return Err(why.again());
            }
            if progress.cancelled() {
                return Err(LinesError::Interrupted);
            }
            let before = index.covered;
            let moved = self.moved.wait(state);
            state = moved.unwrap_or_else(PoisonError::into_inner);
            progress.advance(state.index.covered - before);
        }
    }

    /// Counts until everything is covered or, with `until`, it is known where that line is or
    /// that there is none. What was counted stays also after an error.
    ///
    /// # Errors
    /// [`LinesError::Shrunk`] when the source is shorter than the index says, [`LinesError::Interrupted`],
    /// and what reading meets.
    pub fn run(
        &self,
        source: &dyn ReadAt,
        until: Option<u64>,
        threads: usize,
        progress: &dyn Progress,
    ) -> Result<(), LinesError> {
        let work = || {
            let mut buffer = vec![0; BUFFER_BYTES];
            while let Some((from, to, shift)) = self.claim(until) {
                let counted = match progress.cancelled() {
                    true => Err(LinesError::Interrupted),
                    false => count(source, (from, to), shift, &mut buffer),
                };
                progress.advance(to - from);
                self.put(from, counted);
            }
        };
        match threads {
            ..=1 => work(),
            _ => std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(work);
                }
            }),
        }
        let mut state = self.state();
        // Whoever goes on has to count what is behind a gap again.
        state.early.clear();
        state.next = state.index.covered;
        state.failed.take().map_or(Ok(()), Err)
    }

    /// The next piece to count, and the size of blocks; none when there is nothing left to do.
    fn claim(&self, until: Option<u64>) -> Option<(u64, u64, u32)> {
        let mut state = self.state();
        let is_known = until.is_some_and(|line| state.index.locate(line) != Place::NotYet);
        let (from, size, shift) = (state.next, state.index.size, state.index.shift);
        if is_known || state.failed.is_some() || from >= size {
            return None;
        }
        let piece = PIECE_BYTES.max(1 << shift);
        state.next = (from - from % piece + piece).min(size);
        Some((from, state.next, shift))
    }

    fn put(&self, from: u64, counted: Result<Counted, LinesError>) {
        let mut guard = self.state();
        let state = &mut *guard;
        match counted {
            Ok(counted) => drop(state.early.insert(from, counted)),
            Err(error) => drop(state.failed.get_or_insert(error)),
        }
        while let Some(counted) = state.early.remove(&state.index.covered) {
            state.index.append(&counted);
        }
        drop(guard);
        self.moved.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts the newlines of the blocks between two offsets.
fn count(
    source: &dyn ReadAt,
    (from, to): (u64, u64),
    shift: u32,
    buffer: &mut [u8],
) -> Result<Counted, LinesError> {
    let mut counted = Counted::default();
    let (mut at, mut block) = (from, None);
    while at < to {
        let mut piece = read_some(source, buffer, at, to)?;
        counted.ends_open = piece.last() != Some(&b'\n');
        while !piece.is_empty() {
            let left = (((at >> shift) + 1) << shift) - at;
            let cut = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            let (inside, rest) = piece.split_at(cut);
            // At most as many as a block has bytes, which are 2^31 at most.
            let newlines = memchr::memchr_iter(b'\n', inside).count() as u32;
            match counted.counts.last_mut() {
                Some(last) if block == Some(at >> shift) => *last += newlines,
                _ => counted.counts.push(newlines),
            }
            block = Some(at >> shift);
            at += cut as u64;
            piece = rest;
        }
    }
    counted.bytes = to - from;
    Ok(counted)
}

/// Bytes that one thread counts before it looks for more work.
const PIECE_BYTES: u64 = 4 << 20;
/// Bytes that are read at a time: they are to stay in the processor's cache until they are counted.
const BUFFER_BYTES: usize = 256 << 10;
