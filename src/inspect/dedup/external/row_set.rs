//! Bit set of rows.

/// Bit set of row numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
}

impl RowSet {
    /// Creates an empty set with room for row numbers below `rows`.
    pub fn with_rows(rows: u64) -> Self {
        let words = usize::try_from(rows.div_ceil(64)).unwrap_or(0);
        Self {
            words: vec![0; words],
        }
    }

    /// Returns true if the set contains a row.
    pub fn contains(&self, row: u64) -> bool {
        let word = usize::try_from(row / 64)
            .ok()
            .and_then(|n| self.words.get(n));
        word.is_some_and(|w| w >> (row % 64) & 1 == 1)
    }

    /// Inserts a row; true if it is new. Rows beyond the capacity are ignored.
    pub fn insert(&mut self, row: u64) -> bool {
        let word = usize::try_from(row / 64).ok();
        let Some(word) = word.and_then(|n| self.words.get_mut(n)) else {
            return false;
        };
        let bit = 1 << (row % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Number of rows in the set.
    pub fn len(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// Returns true if the set is empty.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// The bits in words of 64 rows; the first row is the lowest bit.
    pub fn words(&self) -> &[u64] {
        &self.words
    }
}
