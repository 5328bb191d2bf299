//! Division of decoding work. Rows are divided into slices. One thread at a time takes the next
//! batch of a slice, while others render theirs or take from the next slice.

use std::collections::BTreeMap;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::locks::lock;

/// A run of rows of one row group, in batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    /// Index of its row group.
    pub(super) group: usize,
    /// Its first row in that group.
    pub(super) row: u64,
    pub(super) rows: u64,
    /// Rows of each batch except the last.
    pub(super) batch_rows: u64,
}

/// A batch for one thread to decode.
pub(super) struct Job<R> {
    pub(super) number: u64,
    pub(super) slice: Slice,
    /// Number of rows.
    pub(super) rows: u64,
    /// Decoder of the slice, after its first batch.
    pub(super) reader: Option<R>,
    key: u64,
}

/// Slices in progress, and those to come.
pub(super) struct Slices<R, P> {
    state: Mutex<SlicesState<R, P>>,
    moved: Condvar,
}

struct SlicesState<R, P> {
    /// Source of the next slice.
    plan: P,
    /// Number of batches in all slices so far.
    batches: u64,
    is_planned: bool,
    /// Keyed by the number of their first batch.
    open: BTreeMap<u64, OpenSlice<R>>,
}

struct OpenSlice<R> {
    slice: Slice,
    reader: Option<R>,
    is_lent: bool,
    next: u64,
    rows_left: u64,
}

impl<R, P: FnMut() -> Option<Slice>> Slices<R, P> {
    pub(super) fn new(plan: P) -> Self {
        Self {
            state: Mutex::new(SlicesState {
                plan,
                batches: 0,
                is_planned: false,
                open: BTreeMap::new(),
            }),
            moved: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, SlicesState<R, P>> {
        lock(&self.state)
    }

    /// Takes the first free batch; at the end, returns the total number of batches.
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

    /// Returns the decoder of a slice; `None` ends the slice.
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

impl<R, P: FnMut() -> Option<Slice>> SlicesState<R, P> {
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
        let open = OpenSlice {
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
