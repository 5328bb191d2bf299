//! Row index: offsets of some rows, for formats that are readable only from the front. Normative:
//! `spec/row-index.md`.
//!
//! Open `codec.rs` for the stored form, and `check.rs` for the validation of an old index.

mod check;
mod codec;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

pub use codec::StoredRowIndex;
pub use codec::StoredText;

pub(super) use check::is_start;

use crate::locks::lock;
use crate::wire::limits::ROW_INDEX_POINTS_MAX;

/// Syntax of the rows in such a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Elements of one JSON array.
    Elements,
    /// Records with separators.
    Records,
    /// Consecutive JSON values.
    Values,
}

impl RowKind {
    /// Number of the kind in stored indexes.
    pub fn number(self) -> u8 {
        match self {
            Self::Records => 0,
            Self::Elements => 1,
            Self::Values => 2,
        }
    }
}

/// Offsets of some rows: at most [`ROW_INDEX_POINTS_MAX`] points, at least 32 rows apart. It takes
/// at most half a byte per row, and 4 MiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowIndex {
    pub(super) points: Vec<Point>,
    /// Least distance of points in bytes.
    pub(super) step: u64,
    /// Number of rows, if the file was read to its end.
    pub(super) rows: Option<u64>,
}

/// Start of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Row number; a header in the file counts.
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
    /// Creates an index with a row count and without points.
    pub fn of_count(rows: u64) -> Self {
        Self {
            rows: Some(rows),
            ..Self::default()
        }
    }

    /// Creates an index with one point.
    pub fn of_point(point: Point) -> Self {
        Self {
            points: vec![point],
            ..Self::default()
        }
    }

    /// Number of rows, if the file was read to its end.
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// Memory use in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.points.capacity() * size_of::<Point>()
    }

    /// The last point; the front of the file without points.
    pub fn last(&self) -> Point {
        self.points.last().copied().unwrap_or_default()
    }

    /// The last point at or before a row.
    fn nearest(&self, row: u64) -> Option<Point> {
        let behind = self.points.partition_point(|p| p.row <= row);
        self.points.get(behind.checked_sub(1)?).copied()
    }

    /// Adds a point; false if it is too close to the previous one.
    fn add_point(&mut self, point: Point) -> bool {
        let last = self.last();
        let is_far = point.row >= last.row.saturating_add(ROWS_APART)
            && point.at >= last.at.saturating_add(self.step);
        if !is_far {
            return false;
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
            self.add_point(point);
            return true;
        }
        self.points.push(point);
        true
    }
}

/// A row index that grows with every read.
#[derive(Clone, Debug)]
pub struct GrowingIndex {
    kind: RowKind,
    state: Arc<Mutex<GrowingState>>,
}

#[derive(Debug)]
struct GrowingState {
    index: RowIndex,
    /// True if it changed since the last `put` or `take_if_changed`.
    is_changed: bool,
}

impl GrowingIndex {
    pub(super) fn new(kind: RowKind, index: RowIndex) -> Self {
        Self {
            kind,
            state: Arc::new(Mutex::new(GrowingState {
                index,
                is_changed: false,
            })),
        }
    }

    /// Kind of its rows.
    pub fn kind(&self) -> RowKind {
        self.kind
    }

    /// Snapshot of the index.
    pub fn now(&self) -> RowIndex {
        self.lock().index.clone()
    }

    /// Restores an index from an earlier read of the same file.
    pub fn put(&self, index: RowIndex) {
        let mut state = self.lock();
        (state.index, state.is_changed) = (index, false);
    }

    /// Snapshot of the index, if it changed since the last `put` or `take_if_changed`.
    pub fn take_if_changed(&self) -> Option<RowIndex> {
        let mut state = self.lock();
        std::mem::take(&mut state.is_changed).then(|| state.index.clone())
    }

    /// Number of rows, a header included, if the file was read to its end.
    pub fn rows(&self) -> Option<u64> {
        self.lock().index.rows
    }

    /// The last known point; the front of the file without points.
    pub fn last(&self) -> Point {
        self.lock().index.last()
    }

    /// The last point at or before a row.
    pub fn nearest(&self, row: u64) -> Option<Point> {
        self.lock().index.nearest(row)
    }

    /// Adds the start of a row.
    pub(super) fn add_point(&self, point: Point) {
        let mut state = self.lock();
        state.is_changed |= state.index.add_point(point);
    }

    /// Records the row count at the end of the file.
    pub(super) fn set_rows(&self, rows: u64) {
        let mut state = self.lock();
        state.is_changed |= state.index.rows != Some(rows);
        state.index.rows = Some(rows);
    }

    /// Clears the index, because it belongs to another file.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        (state.index, state.is_changed) = (RowIndex::default(), true);
    }

    fn lock(&self) -> MutexGuard<'_, GrowingState> {
        lock(&self.state)
    }
}

/// Least distance of points in rows.
pub(super) const ROWS_APART: u64 = 32;
/// Least distance of points in bytes, for small files.
pub(super) const STEP_MIN: u64 = 64 << 10;
