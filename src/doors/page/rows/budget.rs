//! Budgets of reading: time, rows, bytes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::NextBatch;
use crate::inspect::table::TableError;
use crate::registry::host;

/// A time that work has.
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    pub(super) fn after(time: Duration) -> Self {
        Self(host::instant().checked_add(time))
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.is_some_and(|end| host::instant() >= end)
    }
}

/// The rows at the front of a file, as far as a budget goes.
pub(super) struct FrontRows {
    inner: Arc<dyn Batches>,
    rows_max: u64,
    bytes_max: u64,
    deadline: Deadline,
    rows: AtomicU64,
    bytes: AtomicU64,
    batches: AtomicU64,
    is_cut: AtomicBool,
}

impl FrontRows {
    pub(super) fn new(
        inner: Arc<dyn Batches>,
        (rows_max, bytes_max): (u64, u64),
        deadline: Deadline,
    ) -> Self {
        Self {
            inner,
            rows_max,
            bytes_max,
            deadline,
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            is_cut: AtomicBool::new(false),
        }
    }

    /// Returns true if the budget ended before the rows did, or with them.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }
}

impl Batches for FrontRows {
    fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError> {
        let is_spent = self.rows.load(Ordering::Relaxed) >= self.rows_max
            || self.bytes.load(Ordering::Relaxed) >= self.bytes_max
            || self.deadline.is_over();
        if is_spent {
            self.is_cut.store(true, Ordering::Relaxed);
            return Ok(NextBatch::End(self.batches.load(Ordering::Relaxed)));
        }
        let next = self.inner.next(batch)?;
        if let NextBatch::Batch(_) = next {
            self.batches.fetch_add(1, Ordering::Relaxed);
            self.rows.fetch_add(batch.count(), Ordering::Relaxed);
            self.bytes.fetch_add(
                batch.bytes_read().max(batch.text().len() as u64),
                Ordering::Relaxed,
            );
        }
        Ok(next)
    }

    fn row(&self, number: u64, place: u32, into: &mut Batch) -> Result<bool, TableError> {
        self.inner.row(number, place, into)
    }
}
