//! Two tables treated as one, the second behind the first.

/// Boundary between the two tables.
pub(in crate::inspect::dedup) struct TablePair {
    pub(in crate::inspect::dedup) second: u64,
    pub(in crate::inspect::dedup) numbers: u64,
    pub(in crate::inspect::dedup) is_first_smaller: bool,
}

impl TablePair {
    pub(in crate::inspect::dedup) fn is_second(&self, row: u32) -> bool {
        u64::from(row) >= self.second
    }

    /// Returns true if a row belongs to the smaller table.
    pub(in crate::inspect::dedup) fn is_of_smaller(&self, row: u64) -> bool {
        (row < self.second) == self.is_first_smaller
    }
}
