//! Heavy hitters: the most frequent values, with bounds of their counts.
//!
//! It uses the counters of Misra and Gries ("Finding repeated elements", 1982). If there are too
//! many, the count of the first dropped counter is subtracted from all. Summaries merge by
//! addition, followed by the same reduction (Agarwal, Cormode, Huang, Phillips, Wei, Yi: "Mergeable
//! summaries", PODS 2012). A count is never too high. It is too low by at most the amount
//! subtracted, which is at most the number of values divided by [`KEPT`]. Without a subtraction all
//! values are present and all counts are exact.

use std::collections::HashMap;

use crate::inspect::stats::sketches::hash::ByHash;

/// Counters left after a reduction.
const KEPT: usize = 1024;
/// Number of counters that triggers a reduction.
pub(in crate::inspect::stats) const COUNTERS_MAX: usize = 4096;
/// Bytes of a value kept for display.
const SHOWN_BYTES: usize = 62;

/// Counts of values by their hash.
#[derive(Clone, Debug, Default)]
pub(in crate::inspect::stats) struct FrequentValues {
    at: HashMap<u64, u32, ByHash>,
    counters: Vec<ValueCount>,
    taken: u64,
}

/// A value and its count.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect::stats) struct ValueCount {
    pub(in crate::inspect::stats) hash: u64,
    pub(in crate::inspect::stats) count: u64,
    pub(in crate::inspect::stats) shown: DisplayPrefix,
}

/// Beginning of a value, for display.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect::stats) struct DisplayPrefix {
    bytes: [u8; SHOWN_BYTES],
    length: u8,
    is_cut: bool,
}

/// Drained counts, for a merge into others.
#[derive(Clone, Debug, Default)]
pub(in crate::inspect::stats) struct DrainedCounts {
    counters: Vec<ValueCount>,
    taken: u64,
}

impl FrequentValues {
    /// Counts one occurrence of a value.
    #[inline]
    pub(in crate::inspect::stats) fn add(&mut self, hash: u64, text: &[u8]) {
        match self.find(hash) {
            Some(counter) => counter.count += 1,
            None => self.insert(ValueCount {
                hash,
                count: 1,
                shown: DisplayPrefix::of(text),
            }),
        }
    }

    /// Takes all counts, and leaves the summary empty.
    pub(in crate::inspect::stats) fn drain(&mut self) -> DrainedCounts {
        self.at.clear();
        DrainedCounts {
            counters: std::mem::take(&mut self.counters),
            taken: std::mem::take(&mut self.taken),
        }
    }

    /// Merges counts of another summary.
    pub(in crate::inspect::stats) fn merge(&mut self, other: &DrainedCounts) {
        self.taken += other.taken;
        for theirs in &other.counters {
            match self.find(theirs.hash) {
                Some(counter) => counter.count += theirs.count,
                None => self.insert(*theirs),
            }
        }
    }

    /// Returns the number of distinct values, if it is exact.
    pub(in crate::inspect::stats) fn exact(&self) -> Option<u64> {
        (self.taken == 0).then_some(self.counters.len() as u64)
    }

    /// Largest error of a count.
    pub(in crate::inspect::stats) fn taken(&self) -> u64 {
        self.taken
    }

    /// Returns the `n` values with the highest counts, in descending order.
    pub(in crate::inspect::stats) fn top(&self, n: usize) -> Vec<ValueCount> {
        let mut all = self.counters.clone();
        all.sort_unstable_by(|a, b| {
            let by_count = b.count.cmp(&a.count);
            let by_text = || a.shown.bytes().cmp(b.shown.bytes());
            by_count.then_with(by_text).then(a.hash.cmp(&b.hash))
        });
        all.truncate(n);
        all
    }

    #[inline]
    fn find(&mut self, hash: u64) -> Option<&mut ValueCount> {
        let at = *self.at.get(&hash)?;
        self.counters.get_mut(at as usize)
    }

    fn insert(&mut self, counter: ValueCount) {
        if self.counters.len() >= COUNTERS_MAX {
            self.shrink();
        }
        self.at.insert(counter.hash, self.counters.len() as u32);
        self.counters.push(counter);
    }

    fn shrink(&mut self) {
        let mut counts: Vec<u64> = self.counters.iter().map(|c| c.count).collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let less = counts.get(KEPT).copied().unwrap_or_default();
        self.taken += less;
        self.counters.retain_mut(|counter| {
            counter.count = counter.count.saturating_sub(less);
            counter.count > 0
        });
        self.at.clear();
        let numbered = (0_u32..).zip(&self.counters);
        self.at.extend(numbered.map(|(n, c)| (c.hash, n)));
    }
}

impl DisplayPrefix {
    /// Beginning of a text; never splits a character.
    pub(in crate::inspect::stats) fn of(text: &[u8]) -> Self {
        let mut length = text.len().min(SHOWN_BYTES);
        let is_cut = length < text.len();
        // The byte after the end must not continue a character.
        for _ in 0..3 {
            match text.get(length) {
                Some(0x80..=0xbf) => length = length.saturating_sub(1),
                _ => break,
            }
        }
        let mut bytes = [0; SHOWN_BYTES];
        if let (Some(room), Some(text)) = (bytes.get_mut(..length), text.get(..length)) {
            room.copy_from_slice(text);
        }
        Self {
            bytes,
            length: length as u8,
            is_cut,
        }
    }

    /// Bytes of the beginning.
    pub(in crate::inspect::stats) fn bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    /// Text of the beginning.
    pub(in crate::inspect::stats) fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// Returns true if the value is longer.
    pub(in crate::inspect::stats) fn is_cut(&self) -> bool {
        self.is_cut
    }
}
