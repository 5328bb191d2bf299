//! The most frequent values, with bounds for how often they stand there.
//!
//! Counters as of Misra and Gries ("Finding repeated elements", 1982): when there are too many, the
//! count of the first that must go is taken from all. Summaries are merged by adding, and the same
//! again (Agarwal, Cormode, Huang, Phillips, Wei, Yi: "Mergeable summaries", PODS 2012). A count is
//! never too high, and too low by at most what was taken, which is at most the number of values by
//! [`KEPT`]. As long as nothing was taken, all values are there and all counts are exact.

use std::collections::HashMap;

use crate::inspect::stats::sketches::hash::ByHash;

/// Counters that are left when there were too many.
const KEPT: usize = 1024;
/// Counters at which there are too many.
pub(in crate::inspect::stats) const COUNTERS_MAX: usize = 4096;
/// Bytes of a value that are kept for showing it.
const SHOWN_BYTES: usize = 62;

/// Counts of values by their hash.
#[derive(Clone, Debug, Default)]
pub(in crate::inspect::stats) struct Frequent {
    at: HashMap<u64, u32, ByHash>,
    counters: Vec<Counter>,
    taken: u64,
}

/// A value and how often it was counted.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect::stats) struct Counter {
    pub(in crate::inspect::stats) hash: u64,
    pub(in crate::inspect::stats) count: u64,
    pub(in crate::inspect::stats) shown: Shown,
}

/// The beginning of a value.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect::stats) struct Shown {
    bytes: [u8; SHOWN_BYTES],
    length: u8,
    is_cut: bool,
}

/// What was counted, to be added to others.
#[derive(Clone, Debug, Default)]
pub(in crate::inspect::stats) struct Counts {
    counters: Vec<Counter>,
    taken: u64,
}

impl Frequent {
    /// Counts a value once more.
    #[inline]
    pub(in crate::inspect::stats) fn add(&mut self, hash: u64, text: &[u8]) {
        match self.find(hash) {
            Some(counter) => counter.count += 1,
            None => self.insert(Counter {
                hash,
                count: 1,
                shown: Shown::of(text),
            }),
        }
    }

    /// Takes all out, and is empty.
    pub(in crate::inspect::stats) fn drain(&mut self) -> Counts {
        self.at.clear();
        Counts {
            counters: std::mem::take(&mut self.counters),
            taken: std::mem::take(&mut self.taken),
        }
    }

    /// Adds what was counted elsewhere.
    pub(in crate::inspect::stats) fn merge(&mut self, other: &Counts) {
        self.taken += other.taken;
        for theirs in &other.counters {
            match self.find(theirs.hash) {
                Some(counter) => counter.count += theirs.count,
                None => self.insert(*theirs),
            }
        }
    }

    /// How many different values there are, where that is known.
    pub(in crate::inspect::stats) fn exact(&self) -> Option<u64> {
        (self.taken == 0).then_some(self.counters.len() as u64)
    }

    /// By how much counts may be too low.
    pub(in crate::inspect::stats) fn taken(&self) -> u64 {
        self.taken
    }

    /// The values with the highest counts, from the highest on.
    pub(in crate::inspect::stats) fn top(&self, n: usize) -> Vec<Counter> {
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
    fn find(&mut self, hash: u64) -> Option<&mut Counter> {
        let at = *self.at.get(&hash)?;
        self.counters.get_mut(at as usize)
    }

    fn insert(&mut self, counter: Counter) {
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

impl Shown {
    /// The beginning of a text; a character is not cut in two.
    pub(in crate::inspect::stats) fn of(text: &[u8]) -> Self {
        let mut length = text.len().min(SHOWN_BYTES);
        let is_cut = length < text.len();
        // The byte behind must not continue a character.
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

    /// Its bytes.
    pub(in crate::inspect::stats) fn bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    /// As text.
    pub(in crate::inspect::stats) fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// Whether the value is longer.
    pub(in crate::inspect::stats) fn is_cut(&self) -> bool {
        self.is_cut
    }
}
