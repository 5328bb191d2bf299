//! Where some rows begin in a file whose rows are found only by reading from its front. Normative:
//! `spec/row-index.md`.

mod check;
mod codec;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

pub use codec::StoredRowIndex;
pub use codec::StoredText;

pub(super) use check::is_start;

use crate::wire::limits::ROW_INDEX_POINTS_MAX;

/// What the rows of such a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Elements of one JSON array.
    Elements,
    /// Records with separators.
    Records,
    /// JSON values that follow each other.
    Values,
}

impl RowKind {
    /// What stands for it in stored indexes.
    pub fn number(self) -> u8 {
        match self {
            Self::Records => 0,
            Self::Elements => 1,
            Self::Values => 2,
        }
    }
}

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
    /// One that says how many rows there are, and of none where it is.
    pub fn of_count(rows: u64) -> Self {
        Self {
            rows: Some(rows),
            ..Self::default()
        }
    }

    /// How many rows the file has, where it was read to its end.
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// Bytes of memory that it takes.
    pub fn memory_bytes(&self) -> usize {
        self.points.capacity() * size_of::<Point>()
    }

    /// The last point; the front of the file where there is none.
    pub fn last(&self) -> Point {
        self.points.last().copied().unwrap_or_default()
    }

    /// The last point that is not behind the row.
    fn nearest(&self, row: u64) -> Option<Point> {
        let behind = self.points.partition_point(|p| p.row <= row);
        self.points.get(behind.checked_sub(1)?).copied()
    }

    /// A row begins here. What is too near to a point that is known is not kept; whether it is.
    fn note(&mut self, point: Point) -> bool {
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
            self.note(point);
            return true;
        }
        self.points.push(point);
        true
    }
}

/// An index that grows whenever rows are read.
#[derive(Clone, Debug)]
pub struct GrowingIndex {
    kind: RowKind,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    index: RowIndex,
    /// It is not what was put in or taken out last.
    has_news: bool,
}

impl GrowingIndex {
    pub(super) fn new(kind: RowKind, index: RowIndex) -> Self {
        Self {
            kind,
            state: Arc::new(Mutex::new(State {
                index,
                has_news: false,
            })),
        }
    }

    /// What its rows are.
    pub fn kind(&self) -> RowKind {
        self.kind
    }

    /// As much of it as there is now.
    pub fn now(&self) -> RowIndex {
        self.lock().index.clone()
    }

    /// Begins with what was learnt earlier of the same file.
    pub fn put(&self, index: RowIndex) {
        let mut state = self.lock();
        (state.index, state.has_news) = (index, false);
    }

    /// As much of it as there is now, where that is not what was put in or taken out last.
    pub fn take_news(&self) -> Option<RowIndex> {
        let mut state = self.lock();
        std::mem::take(&mut state.has_news).then(|| state.index.clone())
    }

    /// How many rows the file has, a header included, where it was read to its end.
    pub fn rows(&self) -> Option<u64> {
        self.lock().index.rows
    }

    /// The last place that is known; the front of the file where there is none.
    pub fn last(&self) -> Point {
        self.lock().index.last()
    }

    /// The last point that is not behind the row.
    pub(super) fn nearest(&self, row: u64) -> Option<Point> {
        self.lock().index.nearest(row)
    }

    /// A row begins here.
    pub(super) fn note(&self, point: Point) {
        let mut state = self.lock();
        state.has_news |= state.index.note(point);
    }

    /// The file was read to its end.
    pub(super) fn ended(&self, rows: u64) {
        let mut state = self.lock();
        state.has_news |= state.index.rows != Some(rows);
        state.index.rows = Some(rows);
    }

    /// It was another file's after all.
    pub(super) fn forget(&self) {
        let mut state = self.lock();
        (state.index, state.has_news) = (RowIndex::default(), true);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rows that points are apart at least, whatever their length.
pub(super) const ROWS_APART: u64 = 32;
/// Bytes that points are apart at least in small files.
pub(super) const STEP_MIN: u64 = 64 << 10;
