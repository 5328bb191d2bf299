//! How much of one table is in another: equal rows, rows that are alike, and rows that share a long
//! run of words, as studies of contamination count them (13 words: Brown et al. 2020, appendix C).
//!
//! Both tables are gone over as one, the second behind the first. Of the larger, only those bands
//! are kept that a sketch of the smaller may have too.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::Likeness;
use crate::inspect::dedup::Method;
use crate::inspect::dedup::OpenRows;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::Weighting;
use crate::inspect::dedup::exact::equal_rows::same_rows;
use crate::inspect::dedup::exact::row_hashes::Ranks;
use crate::inspect::dedup::exact::row_hashes::survey;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::near::jaccard::Alike;
use crate::inspect::dedup::near::jaccard::Verifier;
use crate::inspect::dedup::near::lsh::Pair;
use crate::inspect::dedup::near::lsh::Sketched;
use crate::inspect::dedup::near::lsh::Within;
use crate::inspect::dedup::near::lsh::band_pairs;
use crate::inspect::dedup::near::lsh::print_bytes;
use crate::inspect::dedup::near::lsh::sketch_rows;
use crate::inspect::dedup::near::stop_shingles::Common;
use crate::inspect::dedup::ngrams::shared_grams;
use crate::inspect::dedup::run::selection;
use crate::inspect::dedup::sketch_cache::Sketches;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Next;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::progress::Progress;
use crate::splitmix::mix;

/// How overlap is looked for.
#[derive(Clone)]
pub struct OverlapOptions<'a> {
    /// How rows are compared. What it says about which row stays is of no meaning here, and
    /// [`Method::SimHash`] means [`Method::MinHash`].
    pub rows: DedupOptions<'a>,
    /// Words of the runs that are looked for; `None` to look for none.
    pub gram_words: Option<usize>,
    /// Examples that are told.
    pub examples: usize,
}

impl Default for OverlapOptions<'_> {
    fn default() -> Self {
        Self {
            rows: DedupOptions::default(),
            gram_words: Some(13),
            examples: 10,
        }
    }
}

/// A row of the second table that is in the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overlapping {
    /// Number of the row in the first table.
    pub row_a: u64,
    /// Number of the row in the second.
    pub row_b: u64,
    /// How alike they are, by the measure that was asked for.
    pub similarity: f32,
    /// In which way.
    pub likeness: Likeness,
}

/// How much of the second table is in the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OverlapReport {
    /// Rows of the first table.
    pub rows_a: u64,
    /// Rows of the second.
    pub rows_b: u64,
    /// Rows of the second that are in the first, byte for byte.
    pub exact: u64,
    /// Other rows of the second that are like one of the first.
    pub near: u64,
    /// Rows of the second that have a run of words that is in the first; none where not asked for.
    pub contaminated: Option<u64>,
    /// Some of them, equal ones first, then the most alike.
    pub examples: Vec<Overlapping>,
}

/// Finds the rows of `b` that are in `a`.
///
/// # Errors
/// As [`dedup`](crate::inspect::dedup::run).
pub fn overlap(
    a: &OpenRows<'_>,
    b: &OpenRows<'_>,
    options: &OverlapOptions<'_>,
    progress: &dyn Progress,
) -> Result<OverlapReport, TableError> {
    let ended = Arc::new(OnceLock::new());
    let both = |selection: &Selection| {
        Ok(Arc::new(Both {
            a: a(selection)?,
            b: b(selection)?,
            ended: Arc::clone(&ended),
        }) as Arc<dyn Batches>)
    };
    let rows = &options.rows;
    let mut passes = Passes {
        open: &both,
        selection: selection(rows),
        threads: rows.threads,
        size_bytes: rows.size_bytes,
        progress,
        firsts: Vec::new(),
        surveyed: None,
    };
    let mut found = survey(&mut passes, rows)?;
    let batches_a = usize::try_from(*ended.get().unwrap_or(&0)).unwrap_or(usize::MAX);
    let at = |of: &[u64]| of.get(batches_a).copied().unwrap_or(0);
    let (second, rows_a) = (at(&passes.firsts), at(&found.rows_before));
    found.ranks = Ranks::default();
    let tables = Tables {
        second,
        numbers: found.numbers,
        is_first_smaller: second <= found.numbers / 2,
    };
    let mut same = same_rows(&passes, rows, &mut found)?;
    same.retain(|s| tables.is_second(s.row) && !tables.is_second(s.kept));
    let mut skip = RowSet::with_rows(found.numbers);
    for one in &same {
        skip.insert(one.row.into());
    }
    let alike = match rows.method {
        Method::Exact => Vec::new(),
        _ => near(&passes, rows, &tables, &skip)?,
    };
    let grams = options.gram_words;
    let contaminated = grams
        .map(|n| shared_grams(&passes, rows, &tables, n))
        .transpose()?;
    let equal = same
        .iter()
        .map(|s| tables.overlapping(s.kept, s.row, 1.0, Likeness::Exact));
    let mut examples: Vec<Overlapping> = equal.take(options.examples).collect();
    let left = options.examples - examples.len();
    let near = alike.len() as u64;
    let of = |a: &Alike| tables.overlapping(a.kept, a.other, a.similarity, Likeness::Near);
    examples.extend(alike.iter().take(left).map(of));
    Ok(OverlapReport {
        rows_a,
        rows_b: found.rows - rows_a,
        exact: same.len() as u64,
        near,
        contaminated,
        examples,
    })
}

/// Where the second table begins.
pub(in crate::inspect::dedup) struct Tables {
    pub(in crate::inspect::dedup) second: u64,
    pub(in crate::inspect::dedup) numbers: u64,
    pub(in crate::inspect::dedup) is_first_smaller: bool,
}

impl Tables {
    pub(in crate::inspect::dedup) fn is_second(&self, row: u32) -> bool {
        u64::from(row) >= self.second
    }

    /// Whether a row is of the smaller of the two.
    pub(in crate::inspect::dedup) fn is_of_smaller(&self, row: u64) -> bool {
        (row < self.second) == self.is_first_smaller
    }

    fn overlapping(&self, a: u32, b: u32, similarity: f32, likeness: Likeness) -> Overlapping {
        Overlapping {
            row_a: a.into(),
            row_b: u64::from(b) - self.second,
            similarity,
            likeness,
        }
    }
}

/// The rows of the second table that are like one of the first, each with the most alike of those
/// that were compared, the most alike first.
fn near(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    tables: &Tables,
    skip: &RowSet,
) -> Result<Vec<Alike>, TableError> {
    let common = match options.weighting {
        Weighting::Plain => Common::default(),
        Weighting::Rare => Common::count(passes, options, skip, tables.numbers)?,
    };
    let sketched = Mutex::new(Sketched::new(options, tables.numbers));
    let seen = Seen::for_rows(tables.second.min(tables.numbers - tables.second));
    // Of each table alone the rows are sketched that are not to be skipped.
    let others = |smaller: bool| {
        let mut rows = skip.clone();
        for row in (0..tables.numbers).filter(|row| tables.is_of_smaller(*row) != smaller) {
            rows.insert(row);
        }
        rows
    };
    let remember = |band: usize, hash: u32| seen.insert(band, hash);
    let prints = Sketches::unkept(print_bytes(options));
    let by = (&common, &prints);
    sketch_rows(passes, options, by, &others(true), &sketched, &remember)?;
    let knows = |band: usize, hash: u32| seen.contains(band, hash);
    sketch_rows(passes, options, by, &others(false), &sketched, &knows)?;
    let sketched = sketched.into_inner();
    let mut sketched = sketched.unwrap_or_else(PoisonError::into_inner);
    sketched.settle()?;
    let mut verifier = Verifier::new(passes, options, &common);
    verifier.leave(sketched.bytes());
    let mut found = |pairs: &mut Vec<Pair>| verifier.add(pairs);
    let second = u32::try_from(tables.second).unwrap_or(u32::MAX);
    let (within, ranks) = (Within::Both(second), Ranks::default());
    band_pairs(
        options,
        sketched,
        &ranks,
        within,
        &Mutex::new(&mut found),
        passes,
    )?;
    let (alike, _) = verifier.finish()?;
    let mut best: HashMap<u32, Alike> = HashMap::new();
    for alike in alike {
        let old = best.entry(alike.other).or_insert(alike);
        if (alike.similarity, old.kept) > (old.similarity, alike.kept) {
            *old = alike;
        }
    }
    let mut best: Vec<Alike> = best.into_values().collect();
    best.sort_unstable_by(|a, b| {
        let by_likeness = b.similarity.total_cmp(&a.similarity);
        by_likeness.then(a.other.cmp(&b.other))
    });
    Ok(best)
}

/// Bits of what the bands of the smaller table hash to; 256 for each row.
struct Seen(Vec<AtomicU64>);

impl Seen {
    fn for_rows(rows: u64) -> Self {
        let words = usize::try_from(rows * 4)
            .unwrap_or(1)
            .max(16)
            .next_power_of_two();
        Self((0..words).map(|_| AtomicU64::new(0)).collect())
    }

    fn bit(&self, band: usize, hash: u32) -> (Option<&AtomicU64>, u64) {
        let hash = mix((band as u64) << 32 | u64::from(hash));
        let at = (hash >> 6) as usize & (self.0.len() - 1);
        (self.0.get(at), 1 << (hash % 64))
    }

    fn insert(&self, band: usize, hash: u32) -> bool {
        let (word, bit) = self.bit(band, hash);
        if let Some(word) = word {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        true
    }

    fn contains(&self, band: usize, hash: u32) -> bool {
        let (word, bit) = self.bit(band, hash);
        word.is_some_and(|w| w.load(Ordering::Relaxed) & bit != 0)
    }
}

/// The batches of two tables, those of the second behind those of the first.
struct Both {
    a: Arc<dyn Batches>,
    b: Arc<dyn Batches>,
    /// How many batches the first has.
    ended: Arc<OnceLock<u64>>,
}

impl Batches for Both {
    fn next(&self, batch: &mut Batch) -> Result<Next, TableError> {
        let before = match self.a.next(batch)? {
            Next::Batch(number) => return Ok(Next::Batch(number)),
            Next::End(parts) => parts,
        };
        self.ended.get_or_init(|| before);
        Ok(match self.b.next(batch)? {
            Next::Batch(number) => Next::Batch(before + number),
            Next::End(parts) => Next::End(before + parts),
        })
    }

    fn row(&self, number: u64, place: u32, into: &mut Batch) -> Result<bool, TableError> {
        let before = self.ended.get().copied().unwrap_or(u64::MAX);
        match number.checked_sub(before) {
            Some(number) => self.b.row(number, place, into),
            None => self.a.row(number, place, into),
        }
    }
}
