//! Landmarks: the numbers of rows at some offsets of a file.

use crate::tui::limits::LANDMARKS_MAX;

/// Numbers of rows at offsets, for a counted prefix of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Landmarks {
    /// Offsets with the number of rows that begin before each, ascending.
    points: Vec<(u64, u64)>,
    /// Least distance of points.
    step: u64,
    /// Number of rows, once the file was read to this end.
    end: Option<(u64, u64)>,
}

impl Landmarks {
    /// Adds a point behind the last one, unless it is too near.
    pub(super) fn add(&mut self, offset: u64, rows: u64) {
        let last = self.points.last().map_or(0, |point| point.0);
        if offset < last.saturating_add(self.step.max(1)) {
            return;
        }
        while self.points.len() >= LANDMARKS_MAX {
            self.step = self.step.max(1).saturating_mul(2);
            let (step, mut kept) = (self.step, 0);
            self.points.retain(|(offset, _)| {
                let keeps = *offset >= kept + step;
                if keeps {
                    kept = *offset;
                }
                keeps
            });
        }
        self.points.push((offset, rows));
    }

    /// Notes the number of all rows of a file of this size.
    pub(super) fn finish(&mut self, size: u64, rows: u64) {
        self.end = Some((size, rows));
    }

    /// Returns the number of all rows, if the file still has the size that was counted.
    pub(super) fn rows(&self, size: u64) -> Option<u64> {
        self.end
            .filter(|(end, _)| *end == size)
            .map(|(_, rows)| rows)
    }

    /// Returns the last counted offset and the rows before it.
    pub(super) fn last(&self) -> (u64, u64) {
        self.points.last().copied().unwrap_or_default()
    }

    /// Returns true if landmarks reach as far as an offset.
    pub(super) fn reach(&self, offset: u64) -> bool {
        offset <= self.last().0 || self.end.is_some_and(|(end, _)| offset <= end)
    }

    /// Returns the last point at or before an offset.
    pub(super) fn before_offset(&self, offset: u64) -> (u64, u64) {
        let behind = self.points.partition_point(|point| point.0 <= offset);
        self.at(behind)
    }

    /// Returns the last point with at most this number of rows before it.
    pub(super) fn before_row(&self, row: u64) -> (u64, u64) {
        let behind = self.points.partition_point(|point| point.1 <= row);
        self.at(behind)
    }

    fn at(&self, behind: usize) -> (u64, u64) {
        let place = behind.checked_sub(1).and_then(|n| self.points.get(n));
        place.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn landmarks_beyond_the_limit_become_fewer_and_stay_ordered() {
        let mut marks = Landmarks::default();
        for n in 0..5 * LANDMARKS_MAX as u64 {
            marks.add(n * 100, n * 7);
        }
        assert!(marks.points.len() <= LANDMARKS_MAX);
        assert!(marks.points.is_sorted());
        let (offset, rows) = marks.before_offset(1_000_050);
        assert!(offset <= 1_000_050 && rows == offset / 100 * 7);
        let (offset, rows) = marks.before_row(7_001);
        assert!(rows <= 7_001 && rows == offset / 100 * 7);
    }
}
