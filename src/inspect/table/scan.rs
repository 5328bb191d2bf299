//! Going over all rows on all cores: what is made of each batch comes out in the order of rows.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Next;
use crate::inspect::table::TableError;
use crate::progress::Progress;

/// How rows are gone over.
#[derive(Clone, Copy)]
pub struct Scan<'a> {
    /// The rows.
    pub batches: &'a dyn Batches,
    /// How many threads work, at least one.
    pub threads: usize,
    /// Is told of the bytes that were read, and asked whether to stop.
    pub progress: &'a dyn Progress,
}

/// What was made of a batch, and which rows these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned<T> {
    /// Number of its first row, from where the scan began.
    pub first: u64,
    /// How many rows it had, blank ones included.
    pub rows: u64,
    /// How many of them were cut, being longer than `ROW_BYTES_MAX`.
    pub truncated: u64,
    /// What was made of it.
    pub value: T,
}

impl Scan<'_> {
    /// Makes something of each batch with `map`, on several threads, each with a state of its own
    /// from `worker`, and hands it to `fold` in the order of the rows, until that breaks off.
    ///
    /// # Errors
    /// Those of reading, of `map` and of `fold`: the first in the order of the rows.
    pub fn run<W, T: Send, E: From<TableError> + Send>(
        &self,
        worker: impl Fn() -> W + Sync,
        map: impl Fn(&mut W, &Batch) -> Result<T, E> + Sync,
        fold: impl FnMut(Scanned<T>) -> Result<ControlFlow<()>, E> + Send,
    ) -> Result<(), E> {
        let threads = self.threads.max(1);
        let line = Line {
            state: Mutex::new(State {
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
            // Somebody who waits for this thread's batch must not wait for ever when it panics.
            let _gone = Gone(&line);
            let (mut state, mut batch) = (worker(), Batch::default());
            while line.is_open() {
                let next = match self.progress.cancelled() {
                    true => Err(TableError::Interrupted),
                    false => self.batches.next(&mut batch),
                };
                match next {
                    Ok(Next::End(_)) => return,
                    Ok(Next::Batch(number)) => {
                        let made = map(&mut state, &batch).map(|value| Scanned {
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

/// How far a thread may be ahead of the first batch that is not folded yet, in batches.
const AHEAD_PER_THREAD: u64 = 8;

/// Where batches wait for those before them.
struct Line<T, E, F> {
    state: Mutex<State<T, E, F>>,
    moved: Condvar,
    ahead: u64,
}

struct State<T, E, F> {
    /// The batch that is folded next, and the number of its first row.
    next: u64,
    first: u64,
    early: BTreeMap<u64, Result<Scanned<T>, E>>,
    /// Why no more batches are taken; those that were taken before are still folded.
    failed: Option<E>,
    ended: Option<Result<(), E>>,
    fold: F,
}

struct Gone<'a, T, E, F>(&'a Line<T, E, F>);

impl<T, E, F> Drop for Gone<'_, T, E, F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state().ended.get_or_insert(Ok(()));
            self.0.moved.notify_all();
        }
    }
}

impl<T, E, F> Line<T, E, F> {
    fn state(&self) -> MutexGuard<'_, State<T, E, F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// No more batches are taken. Those that other threads have at hand are still folded, as far as
    /// they are before the one that is missing. An error that is earlier in the order of rows may
    /// be on its way on another thread; which of two is told is left to chance then.
    fn fail(&self, error: E) {
        self.state().failed.get_or_insert(error);
        self.moved.notify_all();
    }
}

impl<T, E, F: FnMut(Scanned<T>) -> Result<ControlFlow<()>, E>> Line<T, E, F> {
    fn put(&self, number: u64, made: Result<Scanned<T>, E>) {
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

impl<T, E, F: FnMut(Scanned<T>) -> Result<ControlFlow<()>, E>> State<T, E, F> {
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
