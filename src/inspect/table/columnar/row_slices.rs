//! Who decodes what: rows are divided into slices, of each of which one thread at a time takes the
//! next batch, while others render theirs or take from the next slice.

use std::collections::BTreeMap;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// A run of rows of one row group, in batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    /// Number of its row group.
    pub(super) group: usize,
    /// Its first row in that.
    pub(super) row: u64,
    pub(super) rows: u64,
    /// Rows of each of its batches but the last.
    pub(super) batch_rows: u64,
}

/// A batch that a thread is to decode.
pub(super) struct Job<R> {
    pub(super) number: u64,
    pub(super) slice: Slice,
    /// How many rows it has.
    pub(super) rows: u64,
    /// What decodes the slice, where a batch of it was decoded before.
    pub(super) reader: Option<R>,
    key: u64,
}

/// The slices that are being decoded, and those to come.
pub(super) struct Slices<R, P> {
    state: Mutex<State<R, P>>,
    moved: Condvar,
}

struct State<R, P> {
    /// Makes the next slice.
    plan: P,
    /// Batches of all slices that were made.
    batches: u64,
    is_planned: bool,
    /// By the number of their first batch.
    open: BTreeMap<u64, Open<R>>,
}

struct Open<R> {
    slice: Slice,
    reader: Option<R>,
    is_lent: bool,
    next: u64,
    rows_left: u64,
}

impl<R, P: FnMut() -> Option<Slice>> Slices<R, P> {
    pub(super) fn new(plan: P) -> Self {
        Self {
            state: Mutex::new(State {
                plan,
                batches: 0,
                is_planned: false,
                open: BTreeMap::new(),
            }),
            moved: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<R, P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first batch that nobody has; how many there were when there are no more.
    pub(super) fn take(&self) -> Result<Job<R>, u64> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.job() {
                return Ok(job);
            }
            if state.plan_next() {
                continue;
            }
            if state.open.is_empty() {
                return Err(state.batches);
            }
            let waited = self.moved.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives back what decodes the slice of a batch; without it, there is no more of the slice.
    pub(super) fn give_back(&self, key: u64, reader: Option<R>) {
        let mut state = self.lock();
        let is_done = match state.open.get_mut(&key) {
            Some(open) => {
                let is_done = reader.is_none() || open.rows_left == 0;
                open.reader = reader;
                open.is_lent = false;
                is_done
            }
            None => false,
        };
        if is_done {
            state.open.remove(&key);
        }
        drop(state);
        self.moved.notify_all();
    }
}

impl<R> Job<R> {
    pub(super) fn key(&self) -> u64 {
        self.key
    }
}

impl<R, P: FnMut() -> Option<Slice>> State<R, P> {
    fn job(&mut self) -> Option<Job<R>> {
        let (key, open) = self.open.iter_mut().find(|(_, open)| !open.is_lent)?;
        let rows = open.rows_left.min(open.slice.batch_rows);
        let job = Job {
            number: open.next,
            slice: open.slice,
            rows,
            reader: open.reader.take(),
            key: *key,
        };
        open.is_lent = true;
        open.next += 1;
        open.rows_left -= rows;
        Some(job)
    }

    fn plan_next(&mut self) -> bool {
        if self.is_planned {
            return false;
        }
        let Some(slice) = (self.plan)() else {
            self.is_planned = true;
            return false;
        };
        let open = Open {
            slice,
            reader: None,
            is_lent: false,
            next: self.batches,
            rows_left: slice.rows,
        };
        self.open.insert(self.batches, open);
        self.batches += slice.rows.div_ceil(slice.batch_rows.max(1));
        true
    }
}
