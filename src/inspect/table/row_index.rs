//! Where some rows begin in a file whose rows are found only by reading from its front. It is kept
//! in memory alone.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::wire::limits::ROW_INDEX_POINTS_MAX;

/// The beginnings of some rows, at most [`ROW_INDEX_POINTS_MAX`], and at least 32 rows
/// from each other: half a byte a row at the most, and 4 MiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowIndex {
    pub(super) points: Vec<Point>,
    /// Bytes that points are apart at least.
    pub(super) step: u64,
    /// Rows of the file, where it was read to its end.
    pub(super) rows: Option<u64>,
}

/// The beginning of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Its number; a header counts where it is in the file.
    pub row: u64,
    /// Offset of its first byte.
    pub at: u64,
}

impl Default for RowIndex {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            step: STEP_MIN,
            rows: None,
        }
    }
}

impl RowIndex {
    /// How many rows the file has, where it was read to its end.
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// Bytes of memory that it takes.
    pub fn memory_bytes(&self) -> usize {
        self.points.capacity() * size_of::<Point>()
    }

    /// The last point that is not behind the row.
    pub(super) fn nearest(&self, row: u64) -> Option<Point> {
        let behind = self.points.partition_point(|p| p.row <= row);
        self.points.get(behind.checked_sub(1)?).copied()
    }

    /// A row begins here. What is too near to a point that is known is not kept.
    pub(super) fn note(&mut self, point: Point) {
        let last = self.points.last().copied().unwrap_or_default();
        let is_far = point.row >= last.row.saturating_add(ROWS_APART)
            && point.at >= last.at.saturating_add(self.step);
        if !is_far {
            return;
        }
        if self.points.len() == ROW_INDEX_POINTS_MAX {
            self.step = self.step.saturating_mul(2);
            let mut kept = Point::default();
            let step = self.step;
            self.points.retain(|point| {
                let keeps = point.at - kept.at >= step;
                if keeps {
                    kept = *point;
                }
                keeps
            });
            return self.note(point);
        }
        self.points.push(point);
    }
}

/// An index that grows whenever rows are read.
#[derive(Clone, Debug, Default)]
pub struct GrowingIndex(Arc<Mutex<RowIndex>>);

impl GrowingIndex {
    pub(super) fn new(index: RowIndex) -> Self {
        Self(Arc::new(Mutex::new(index)))
    }

    /// As much of it as there is now.
    pub fn now(&self) -> RowIndex {
        self.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, RowIndex> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rows that points are apart at least, whatever their length.
pub(super) const ROWS_APART: u64 = 32;
/// Bytes that points are apart at least in small files.
pub(super) const STEP_MIN: u64 = 64 << 10;
