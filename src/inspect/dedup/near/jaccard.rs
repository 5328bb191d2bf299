//! Verification of near-duplicates: candidate pairs by the Jaccard similarity of all their shingles.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::Measure;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::Weighting;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::external::multi_pass::RowText;
use crate::inspect::dedup::near::lsh::BAND_RECORD_BYTES;
use crate::inspect::dedup::near::lsh::Pair;
use crate::inspect::dedup::near::lsh::rows_of;
use crate::inspect::dedup::near::shingles::shingle_set;
use crate::inspect::dedup::near::stop_shingles::StopShingles;
use crate::inspect::table::TableError;

/// A verified pair of similar rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::inspect::dedup) struct SimilarRows {
    pub(in crate::inspect::dedup) kept: u32,
    pub(in crate::inspect::dedup) other: u32,
    pub(in crate::inspect::dedup) similarity: f32,
}

/// Least similarity of a pair on weighted shingles, as a fraction of the threshold.
const RARE_PART: f64 = 0.6;

/// Number of pairs that fit into the budget, at 8 bytes each in a growing vector.
fn room(options: &DedupOptions<'_>) -> usize {
    (options.budget_bytes / 64).max(1 << 12)
}

/// State of the verification of pairs.
pub(in crate::inspect::dedup) struct Verifier<'a> {
    passes: &'a Passes<'a>,
    options: &'a DedupOptions<'a>,
    common: &'a StopShingles,
    alike: Vec<SimilarRows>,
    compared: u64,
    /// Candidate pairs that wait for a comparison.
    waiting: Vec<Pair>,
    /// Number of pairs that may wait.
    limit: usize,
    /// Average bytes of a row's shingle set in the last load.
    set_bytes: usize,
    /// Bytes of the budget that other data uses at present.
    taken_bytes: usize,
}

impl<'a> Verifier<'a> {
    pub(in crate::inspect::dedup) fn new(
        passes: &'a Passes<'a>,
        options: &'a DedupOptions<'a>,
        common: &'a StopShingles,
    ) -> Self {
        Self {
            passes,
            options,
            common,
            alike: Vec::new(),
            compared: 0,
            waiting: Vec::new(),
            limit: room(options),
            set_bytes: SET_BYTES_MIN,
            taken_bytes: 0,
        }
    }

    /// Reserves bytes of the verifier's share for other data; less than half of the share.
    pub(in crate::inspect::dedup) fn reserve(&mut self, bytes: usize) {
        self.taken_bytes = bytes;
    }

    /// Adds candidate pairs, and compares the waiting ones when there are enough. Several bands may
    /// suggest the same pair.
    pub(in crate::inspect::dedup) fn add(
        &mut self,
        pairs: &mut Vec<Pair>,
    ) -> Result<(), TableError> {
        self.waiting.append(pairs);
        if self.waiting.len() <= self.limit {
            return Ok(());
        }
        self.waiting.sort_unstable();
        self.waiting.dedup();
        let room = room(self.options);
        self.limit = (self.waiting.len() * 2).clamp(room / 2, room);
        if self.waiting.len() > room / 2 {
            self.verify()
        } else {
            Ok(())
        }
    }

    /// Compares the remaining pairs. Returns the similar rows and the number of comparisons. A pair
    /// that several bands suggest may be counted more than once.
    pub(in crate::inspect::dedup) fn finish(
        mut self,
    ) -> Result<(Vec<SimilarRows>, u64), TableError> {
        self.verify()?;
        Ok((self.alike, self.compared))
    }

    /// Compares and removes the waiting pairs. Reads the rows again, in as many passes as their
    /// shingle sets need within the budget.
    fn verify(&mut self) -> Result<(), TableError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.compare_all(&mut waiting)?;
        // Reuses the allocation.
        self.waiting = waiting;
        Ok(())
    }

    fn compare_all(&mut self, pairs: &mut Vec<Pair>) -> Result<(), TableError> {
        pairs.sort_unstable();
        pairs.dedup();
        self.compared += pairs.len() as u64;
        let mut room = self.room_for_sets();
        while !pairs.is_empty() {
            let before = pairs.len();
            let sets = self.load(pairs, room)?;
            let share = pairs.len().div_ceil(self.options.threads.max(1));
            let compared: Vec<(Vec<SimilarRows>, usize)> = std::thread::scope(|scope| {
                let sets = &sets;
                let this = &*self;
                let work = |part| scope.spawn(move || this.compare(part, sets));
                let threads: Vec<_> = pairs.chunks_mut(share).map(work).collect();
                let joined = threads.into_iter().map(|t| match t.join() {
                    Ok(made) => made,
                    Err(panic) => std::panic::resume_unwind(panic),
                });
                joined.collect()
            });
            let mut kept = 0;
            for (n, (alike, later)) in compared.into_iter().enumerate() {
                self.alike.extend(alike);
                pairs.copy_within(n * share..n * share + later, kept);
                kept += later;
            }
            pairs.truncate(kept);
            if pairs.len() == before {
                room = room.saturating_mul(2).max(1 << 20);
            }
        }
        Ok(())
    }

    /// Bytes available for shingle sets while a band is in memory.
    fn room_for_sets(&self) -> usize {
        let rows = self.passes.firsts.last().copied().unwrap_or(0);
        let band = usize::try_from(rows).unwrap_or(usize::MAX);
        let band = band.saturating_mul(BAND_RECORD_BYTES);
        let budget = self.options.budget_bytes;
        let taken = band.min(budget / 4) + self.taken_bytes;
        (budget / 2 - taken.min(budget / 2)).max(budget / 8)
    }

    /// Loads the shingle sets of a prefix of `pairs` that fits into `room`. Loading rows of all
    /// pairs would fill the memory with rows from the front of the file and complete few pairs.
    fn load(&mut self, pairs: &[Pair], room: usize) -> Result<ShingleSets, TableError> {
        let numbers = self.passes.firsts.last().copied().unwrap_or(0);
        let mut wanted = RowSet::with_rows(numbers);
        let mut count = 0;
        for pair in pairs {
            let (kept, other) = rows_of(*pair);
            count += usize::from(wanted.insert(kept.into()));
            count += usize::from(wanted.insert(other.into()));
            if count * self.set_bytes > room {
                break;
            }
        }
        let (held, shingle) = (AtomicUsize::new(0), self.options.shingle());
        let made = self.passes.each(
            "comparing rows",
            || (LoadedShingles::default(), RowText::default(), Vec::new()),
            |(loaded, text, set), first, batch| {
                for row in batch.rows() {
                    let number = first + row.index;
                    if !wanted.contains(number) || held.load(Ordering::Relaxed) > room {
                        continue;
                    }
                    let text = text.strings(batch, &row, &self.options.columns);
                    shingle_set(text, shingle, set);
                    held.fetch_add(set.len() * 4 + SET_BYTES_MIN, Ordering::Relaxed);
                    // The number of rows is below `DEDUP_ROWS_MAX`.
                    loaded.rows.push((number as u32, loaded.shingles.len()));
                    loaded.shingles.extend_from_slice(set);
                }
                Ok(())
            },
        )?;
        let sets = ShingleSets::new(made.into_iter().map(|(l, _, _)| l).collect());
        let bytes = held.into_inner().checked_div(sets.places.len());
        self.set_bytes = bytes.map_or(self.set_bytes, |bytes| bytes + 1);
        Ok(sets)
    }

    /// Compares pairs. Returns the similar ones, and the number of pairs whose sets did not fit;
    /// these are moved to the front.
    fn compare(&self, pairs: &mut [Pair], sets: &ShingleSets) -> (Vec<SimilarRows>, usize) {
        let (mut found, mut later) = (Vec::new(), 0);
        let mut last = (u32::MAX, None);
        for n in 0..pairs.len() {
            let Some(pair) = pairs.get(n).copied() else {
                break;
            };
            let (kept, other) = rows_of(pair);
            if last.0 != kept {
                last = (kept, sets.of(kept));
            }
            let (Some(a), Some(b)) = (last.1, sets.of(other)) else {
                if let Some(free) = pairs.get_mut(later) {
                    *free = pair;
                }
                later += 1;
                continue;
            };
            if let Some(similarity) = self.similarity(a, b) {
                found.push(SimilarRows {
                    kept,
                    other,
                    similarity,
                });
            }
        }
        (found, later)
    }

    /// Returns the similarity of two sets if it reaches the threshold.
    fn similarity(&self, a: &[u32], b: &[u32]) -> Option<f32> {
        let (measure, threshold) = (self.options.measure, self.options.threshold);
        let (less, more) = (a.len().min(b.len()) as f64, a.len().max(b.len()) as f64);
        if measure == Measure::Jaccard && less < more * threshold {
            return None;
        }
        let shared = shared(a, b) as f64;
        let similarity = match measure {
            Measure::Jaccard => shared / (less + more - shared),
            Measure::Containment => shared / less,
        };
        let is_alike = similarity >= threshold;
        let is_rare = |()| match self.options.weighting {
            Weighting::Plain => true,
            Weighting::Rare => self.rare_similarity(a, b) >= threshold * RARE_PART,
        };
        (is_alike && is_rare(())).then_some(similarity as f32)
    }

    /// Returns the similarity of two sets of weighted shingles.
    fn rare_similarity(&self, a: &[u32], b: &[u32]) -> f64 {
        let weigh = |s: &u32| f64::from(self.common.weight(*s));
        let (of_a, of_b): (f64, f64) = (a.iter().map(weigh).sum(), b.iter().map(weigh).sum());
        let mut shared = 0.0;
        each_shared(a, b, |s| shared += weigh(&s));
        match self.options.measure {
            Measure::Jaccard => shared / (of_a + of_b - shared),
            Measure::Containment => shared / of_a.min(of_b),
        }
    }
}

/// Bytes of a set beside its shingles.
const SET_BYTES_MIN: usize = 48;

/// Counts the common elements of two sorted sets.
pub(in crate::inspect::dedup) fn shared(a: &[u32], b: &[u32]) -> usize {
    let (mut count, mut at_a, mut at_b) = (0, 0, 0);
    // No branch depends on a comparison, because the processor could not predict it.
    while let (Some(left), Some(right)) = (a.get(at_a), b.get(at_b)) {
        count += usize::from(left == right);
        at_a += usize::from(left <= right);
        at_b += usize::from(right <= left);
    }
    count
}

fn each_shared(a: &[u32], b: &[u32], mut each: impl FnMut(u32)) {
    let (mut a, mut b) = (a.iter(), b.iter());
    let (mut x, mut y) = (a.next(), b.next());
    while let (Some(left), Some(right)) = (x, y) {
        if left == right {
            each(*left);
        }
        if left <= right {
            x = a.next();
        }
        if right <= left {
            y = b.next();
        }
    }
}

/// Shingle sets that one thread read.
#[derive(Default)]
struct LoadedShingles {
    /// Rows, with the start of their shingles.
    rows: Vec<(u32, usize)>,
    shingles: Vec<u32>,
}

/// Shingle sets by row.
struct ShingleSets {
    loaded: Vec<LoadedShingles>,
    /// Row, thread, and index in the thread's rows; sorted by row.
    places: Vec<(u32, u32, u32)>,
}

impl ShingleSets {
    fn new(loaded: Vec<LoadedShingles>) -> Self {
        let of_thread = |(thread, loaded): (usize, &LoadedShingles)| {
            let rows = loaded.rows.iter().enumerate();
            // There are fewer than 2^32 rows.
            let places = rows.map(|(n, (row, _))| (*row, thread as u32, n as u32));
            places.collect::<Vec<_>>()
        };
        let mut places: Vec<_> = loaded.iter().enumerate().flat_map(of_thread).collect();
        places.sort_unstable();
        Self { loaded, places }
    }

    fn of(&self, row: u32) -> Option<&[u32]> {
        let at = self.places.binary_search_by_key(&row, |p| p.0).ok()?;
        let (_, thread, place) = self.places.get(at)?;
        let loaded = self.loaded.get(*thread as usize)?;
        let (_, start) = loaded.rows.get(*place as usize)?;
        let end = loaded.rows.get(*place as usize + 1).map(|r| r.1);
        loaded
            .shingles
            .get(*start..end.unwrap_or(loaded.shingles.len()))
    }
}
