//! A set of rows, one bit each.

/// A set of rows by their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
}

impl RowSet {
    /// A set without rows, with room for those below `rows`.
    pub fn with_rows(rows: u64) -> Self {
        let words = usize::try_from(rows.div_ceil(64)).unwrap_or(0);
        Self {
            words: vec![0; words],
        }
    }

    /// Whether a row is in it.
    pub fn contains(&self, row: u64) -> bool {
        let word = usize::try_from(row / 64)
            .ok()
            .and_then(|n| self.words.get(n));
        word.is_some_and(|w| w >> (row % 64) & 1 == 1)
    }

    /// Puts a row into it, and says whether it is new. Rows for which there is no room are not.
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

    /// How many rows are in it.
    pub fn len(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// Whether no row is in it.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// Its bits, 64 rows a word, the first row lowest.
    pub fn words(&self) -> &[u64] {
        &self.words
    }
}
