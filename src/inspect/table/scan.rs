//! Parallel scan of all rows; the results of batches are folded in row order.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::NextBatch;
use crate::inspect::table::TableError;
use crate::locks::lock;
use crate::progress::Progress;

/// A parallel pass over batches.
#[derive(Clone, Copy)]
pub struct Scan<'a> {
    /// The rows.
    pub batches: &'a dyn Batches,
    /// Number of worker threads, at least one.
    pub threads: usize,
    /// Receives the number of bytes read, and may cancel the scan.
    pub progress: &'a dyn Progress,
}

/// Result of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScannedBatch<T> {
    /// Number of its first row, from the start of the scan.
    pub first: u64,
    /// Number of rows, blank rows included.
    pub rows: u64,
    /// Number of rows cut at `ROW_BYTES_MAX`.
    pub truncated: u64,
    /// Result of `map`.
    pub value: T,
}

impl Scan<'_> {
    /// Applies `map` to each batch on several threads, each with its own state from `worker`.
    /// Passes the results to `fold` in row order, until it breaks.
    ///
    /// # Errors
    /// Errors of reading, of `map` and of `fold`: the first in row order.
    pub fn run<W, T: Send, E: From<TableError> + Send>(
        &self,
        worker: impl Fn() -> W + Sync,
        map: impl Fn(&mut W, &Batch) -> Result<T, E> + Sync,
        fold: impl FnMut(ScannedBatch<T>) -> Result<ControlFlow<()>, E> + Send,
    ) -> Result<(), E> {
        let threads = self.threads.max(1);
        let line = FoldQueue {
            state: Mutex::new(FoldState {
                next: 0,
                first: 0,
                early: BTreeMap::new(),
                failed: None,
                ended: None,
                fold,
            }),
            moved: Condvar::new(),
            ahead: threads as u64 * AHEAD_PER_THREAD,
        };
        let work = || {
            // A thread that waits for this one's batch must wake up even after a panic.
            let _gone = PanicGuard(&line);
            let (mut state, mut batch) = (worker(), Batch::default());
            while line.is_open() {
                let next = if self.progress.cancelled() {
                    Err(TableError::Interrupted)
                } else {
                    self.batches.next(&mut batch)
                };
                match next {
                    Ok(NextBatch::End(_)) => return,
                    Ok(NextBatch::Batch(number)) => {
                        let made = map(&mut state, &batch).map(|value| ScannedBatch {
                            first: 0,
                            rows: batch.count(),
                            truncated: batch.truncated(),
                            value,
                        });
                        self.progress.advance(batch.bytes_read());
                        line.put(number, made);
                    }
                    Err(error) => return line.fail(error.into()),
                }
            }
        };
        if threads == 1 {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(work);
                }
            });
        }
        line.into_end()
    }
}

/// Number of batches per thread by which it may run ahead of the fold.
const AHEAD_PER_THREAD: u64 = 8;

/// Queue of results that wait for earlier batches.
struct FoldQueue<T, E, F> {
    state: Mutex<FoldState<T, E, F>>,
    moved: Condvar,
    ahead: u64,
}

struct FoldState<T, E, F> {
    /// Next batch to fold, and the number of its first row.
    next: u64,
    first: u64,
    early: BTreeMap<u64, Result<ScannedBatch<T>, E>>,
    /// Error that stopped the scan; earlier batches are still folded.
    failed: Option<E>,
    ended: Option<Result<(), E>>,
    fold: F,
}

struct PanicGuard<'a, T, E, F>(&'a FoldQueue<T, E, F>);

impl<T, E, F> Drop for PanicGuard<'_, T, E, F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state().ended.get_or_insert(Ok(()));
            self.0.moved.notify_all();
        }
    }
}

impl<T, E, F> FoldQueue<T, E, F> {
    fn state(&self) -> MutexGuard<'_, FoldState<T, E, F>> {
        lock(&self.state)
    }

    fn is_open(&self) -> bool {
        let state = self.state();
        state.ended.is_none() && state.failed.is_none()
    }

    fn into_end(self) -> Result<(), E> {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let failed = state.failed.map_or(Ok(()), Err);
        state.ended.unwrap_or(failed)
    }

    /// Stops the scan. Results of other threads are still folded up to the missing batch. If
    /// another thread meets an earlier error at the same time, chance decides which one is
    /// reported.
    fn fail(&self, error: E) {
        self.state().failed.get_or_insert(error);
        self.moved.notify_all();
    }
}

impl<T, E, F: FnMut(ScannedBatch<T>) -> Result<ControlFlow<()>, E>> FoldQueue<T, E, F> {
    fn put(&self, number: u64, made: Result<ScannedBatch<T>, E>) {
        let mut state = self.state();
        while number >= state.next + self.ahead && state.ended.is_none() && state.failed.is_none() {
            let waited = self.moved.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.early.insert(number, made);
        if number != state.next {
            return;
        }
        state.drain();
        drop(state);
        self.moved.notify_all();
    }
}

impl<T, E, F: FnMut(ScannedBatch<T>) -> Result<ControlFlow<()>, E>> FoldState<T, E, F> {
    fn drain(&mut self) {
        while self.ended.is_none() {
            let Some(made) = self.early.remove(&self.next) else {
                return;
            };
            let folded = made.and_then(|mut made| {
                made.first = self.first;
                self.next += 1;
                self.first += made.rows;
                (self.fold)(made)
            });
            match folded {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => self.ended = Some(Ok(())),
                Err(error) => self.ended = Some(Err(error)),
            }
        }
    }
}
