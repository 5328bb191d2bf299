//! Parallel newline counting. Other threads can query the part counted without a gap.

use std::collections::BTreeMap;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::inspect::line_index::BlockCounts;
use crate::inspect::line_index::LineIndex;
use crate::inspect::line_index::LinePosition;
use crate::inspect::line_index::LinesError;
use crate::inspect::line_index::read::read_some;
use crate::locks::lock;
use crate::progress::Progress;
use crate::read_at::ReadAt;

/// A line index that several threads extend while others query it.
#[derive(Debug)]
pub struct GrowingLineIndex {
    state: Mutex<BuildState>,
    /// Signals further progress or the end of counting.
    moved: Condvar,
}

#[derive(Debug)]
struct BuildState {
    index: LineIndex,
    /// Offset of the next unclaimed piece.
    next: u64,
    /// Pieces counted ahead of an earlier one, by offset.
    early: BTreeMap<u64, BlockCounts>,
    failed: Option<LinesError>,
    /// Set when counting has ended; holds the error if it is incomplete.
    ended: Option<Option<LinesError>>,
}

impl GrowingLineIndex {
    /// Continues an index after the bytes that it covers.
    pub fn new(index: LineIndex) -> Self {
        Self {
            state: Mutex::new(BuildState {
                next: index.covered,
                index,
                early: BTreeMap::new(),
                failed: None,
                ended: None,
            }),
            moved: Condvar::new(),
        }
    }

    /// Locates a line in the part counted so far.
    pub fn locate(&self, line: u64) -> LinePosition {
        self.state().index.locate(line)
    }

    /// Number of bytes counted without a gap.
    pub fn covered(&self) -> u64 {
        self.state().index.covered
    }

    /// Returns the index of the part counted so far.
    pub fn into_index(self) -> LineIndex {
        let state = self.state.into_inner();
        state.unwrap_or_else(PoisonError::into_inner).index
    }

    /// Ends the counting, and wakes all waiting callers.
    pub(super) fn end(&self, why: Option<LinesError>) {
        self.state().ended.get_or_insert(why);
        self.moved.notify_all();
    }

    /// Returns the index so far, and the error if it is incomplete.
    pub(super) fn ended(&self) -> (LineIndex, Result<(), LinesError>) {
        let state = self.state();
        let why = state.ended.as_ref().and_then(Option::as_ref);
        let why = why.map_or(Ok(()), |error| Err(error.duplicate()));
        (state.index.clone(), why)
    }

    /// Waits until other threads have counted enough to locate a line or to know that it does not
    /// exist; without a line, until all is counted. Returns the index so far.
    pub(super) fn wait(
        &self,
        until: Option<u64>,
        progress: &dyn Progress,
    ) -> Result<LineIndex, LinesError> {
        let mut state = self.state();
        loop {
            let index = &state.index;
            let is_known = until.is_some_and(|line| index.locate(line) != LinePosition::NotYet);
            if is_known || index.is_complete() {
                return Ok(index.clone());
            }
            if let Some(why) = &state.ended {
                // A thread that ended without an error had counted everything.
                let why = why.as_ref().unwrap_or(&LinesError::Interrupted);
                return Err(why.duplicate());
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

    /// Counts until everything is covered; with `until`, only until that line can be located or is
    /// known not to exist. Counts survive an error.
    ///
    /// # Errors
    /// [`LinesError::Shrunk`] if the source is shorter than the index, [`LinesError::Interrupted`],
    /// and I/O errors.
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
                let counted = if progress.cancelled() {
                    Err(LinesError::Interrupted)
                } else {
                    count(source, (from, to), shift, &mut buffer)
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
        // The next run has to count the part after a gap again.
        state.early.clear();
        state.next = state.index.covered;
        state.failed.take().map_or(Ok(()), Err)
    }

    /// Claims the next piece, with the block size; `None` if there is nothing left.
    fn claim(&self, until: Option<u64>) -> Option<(u64, u64, u32)> {
        let mut state = self.state();
        let is_known = until.is_some_and(|line| state.index.locate(line) != LinePosition::NotYet);
        let (from, size, shift) = (state.next, state.index.size, state.index.shift);
        if is_known || state.failed.is_some() || from >= size {
            return None;
        }
        let piece = PIECE_BYTES.max(1 << shift);
        state.next = (from - from % piece + piece).min(size);
        Some((from, state.next, shift))
    }

    fn put(&self, from: u64, counted: Result<BlockCounts, LinesError>) {
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

    fn state(&self) -> MutexGuard<'_, BuildState> {
        lock(&self.state)
    }
}

/// Counts the newlines of the blocks between two offsets.
fn count(
    source: &dyn ReadAt,
    (from, to): (u64, u64),
    shift: u32,
    buffer: &mut [u8],
) -> Result<BlockCounts, LinesError> {
    let mut counted = BlockCounts::default();
    let (mut at, mut block) = (from, None);
    while at < to {
        let mut piece = read_some(source, buffer, at, to)?;
        counted.ends_open = piece.last() != Some(&b'\n');
        while !piece.is_empty() {
            let left = (((at >> shift) + 1) << shift) - at;
            let cut = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            let (inside, rest) = piece.split_at(cut);
            // The count is at most the size of a block, which is at most 2^31.
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

/// Bytes per piece of work of a thread.
const PIECE_BYTES: u64 = 4 << 20;
/// Bytes per read, small enough to stay in the processor's cache.
const BUFFER_BYTES: usize = 256 << 10;
