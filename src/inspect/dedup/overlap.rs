//! Overlap of two tables: equal rows, similar rows, and rows that share a long run of words.
//! Studies of contamination use such runs (13 words: Brown et al. 2020, appendix C).
//!
//! The search treats both tables as one, the second behind the first. Of the larger table it keeps
//! only bands that the smaller table may have too.

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
use crate::inspect::dedup::exact::equal_rows::equal_rows;
use crate::inspect::dedup::exact::row_hashes::Ranks;
use crate::inspect::dedup::exact::row_hashes::hash_rows;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::near::jaccard::SimilarRows;
use crate::inspect::dedup::near::jaccard::Verifier;
use crate::inspect::dedup::near::lsh::BandIndex;
use crate::inspect::dedup::near::lsh::CompareScope;
use crate::inspect::dedup::near::lsh::Pair;
use crate::inspect::dedup::near::lsh::band_pairs;
use crate::inspect::dedup::near::lsh::sketch_bytes;
use crate::inspect::dedup::near::lsh::sketch_rows;
use crate::inspect::dedup::near::stop_shingles::StopShingles;
use crate::inspect::dedup::ngrams::shared_ngrams;
use crate::inspect::dedup::run::selection;
use crate::inspect::dedup::sketch_cache::Sketches;
use crate::inspect::dedup::table_pair::TablePair;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::progress::Progress;
use crate::splitmix::mix;

/// Options of an overlap search.
#[derive(Clone)]
#[non_exhaustive]
pub struct OverlapOptions<'a> {
    /// Options of the row comparison. The choice of the kept row has no effect here, and
    /// [`Method::SimHash`] acts as [`Method::MinHash`].
    pub rows: DedupOptions<'a>,
    /// Words in a shared run; `None` to skip that search.
    pub ngram_words: Option<usize>,
    /// Number of examples in the report.
    pub examples: usize,
}

impl Default for OverlapOptions<'_> {
    fn default() -> Self {
        Self {
            rows: DedupOptions::default(),
            ngram_words: Some(13),
            examples: 10,
        }
    }
}

/// A row of the second table that the first table contains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overlapping {
    /// Number of the row in the first table.
    pub row_a: u64,
    /// Number of the row in the second table.
    pub row_b: u64,
    /// Similarity of the two rows by the requested measure.
    pub similarity: f32,
    /// Kind of duplicate.
    pub likeness: Likeness,
}

/// Result of an overlap search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OverlapReport {
    /// Number of rows in the first table.
    pub rows_a: u64,
    /// Number of rows in the second table.
    pub rows_b: u64,
    /// Number of rows of the second table that equal a row of the first.
    pub exact: u64,
    /// Number of other rows of the second table that are similar to a row of the first.
    pub near: u64,
    /// Number of rows of the second table that share a run of words with the first; `None` if not
    /// requested.
    pub contaminated: Option<u64>,
    /// Examples: equal rows first, then by descending similarity.
    pub examples: Vec<Overlapping>,
}

/// Finds the rows of `b` that `a` contains.
///
/// # Errors
/// As [`dedup`](crate::inspect::dedup::dedup).
pub fn overlap(
    a: &OpenRows<'_>,
    b: &OpenRows<'_>,
    options: &OverlapOptions<'_>,
    progress: &dyn Progress,
) -> Result<OverlapReport, TableError> {
    let ended = Arc::new(OnceLock::new());
    let both = |selection: &Selection| {
        Ok(Arc::new(ConcatenatedBatches {
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
    let mut found = hash_rows(&mut passes, rows)?;
    let batches_a = usize::try_from(*ended.get().unwrap_or(&0)).unwrap_or(usize::MAX);
    let at = |of: &[u64]| of.get(batches_a).copied().unwrap_or(0);
    let (second, rows_a) = (at(&passes.firsts), at(&found.rows_before));
    found.ranks = Ranks::default();
    let tables = TablePair {
        second,
        numbers: found.numbers,
        is_first_smaller: second <= found.numbers / 2,
    };
    let mut same = equal_rows(&passes, rows, &mut found)?;
    same.retain(|s| tables.is_second(s.row) && !tables.is_second(s.kept));
    let mut skip = RowSet::with_rows(found.numbers);
    for one in &same {
        skip.insert(one.row.into());
    }
    let alike = match rows.method {
        Method::Exact => Vec::new(),
        _ => near(&passes, rows, &tables, &skip)?,
    };
    let grams = options.ngram_words;
    let contaminated = grams
        .map(|n| shared_ngrams(&passes, rows, &tables, n))
        .transpose()?;
    let equal = same
        .iter()
        .map(|s| overlapping(&tables, s.kept, s.row, 1.0, Likeness::Exact));
    let mut examples: Vec<Overlapping> = equal.take(options.examples).collect();
    let left = options.examples - examples.len();
    let near = alike.len() as u64;
    let of = |a: &SimilarRows| overlapping(&tables, a.kept, a.other, a.similarity, Likeness::Near);
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

fn overlapping(
    tables: &TablePair,
    a: u32,
    b: u32,
    similarity: f32,
    likeness: Likeness,
) -> Overlapping {
    Overlapping {
        row_a: a.into(),
        row_b: u64::from(b) - tables.second,
        similarity,
        likeness,
    }
}

/// Returns the rows of the second table that are similar to a row of the first, each with its best
/// compared match, in descending order of similarity.
fn near(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    tables: &TablePair,
    skip: &RowSet,
) -> Result<Vec<SimilarRows>, TableError> {
    let common = match options.weighting {
        Weighting::Plain => StopShingles::default(),
        Weighting::Rare => StopShingles::count(passes, options, skip, tables.numbers)?,
    };
    let sketched = Mutex::new(BandIndex::new(options, tables.numbers));
    let seen = BandFilter::for_rows(tables.second.min(tables.numbers - tables.second));
    // Sketches the rows of one table that are not skipped.
    let others = |smaller: bool| {
        let mut rows = skip.clone();
        for row in (0..tables.numbers).filter(|row| tables.is_of_smaller(*row) != smaller) {
            rows.insert(row);
        }
        rows
    };
    let remember = |band: usize, hash: u32| seen.insert(band, hash);
    let prints = Sketches::uncached(sketch_bytes(options));
    let by = (&common, &prints);
    sketch_rows(passes, options, by, &others(true), &sketched, &remember)?;
    let knows = |band: usize, hash: u32| seen.contains(band, hash);
    sketch_rows(passes, options, by, &others(false), &sketched, &knows)?;
    let sketched = sketched.into_inner();
    let mut sketched = sketched.unwrap_or_else(PoisonError::into_inner);
    sketched.end_writing()?;
    let mut verifier = Verifier::new(passes, options, &common);
    verifier.reserve(sketched.bytes());
    let mut found = |pairs: &mut Vec<Pair>| verifier.add(pairs);
    let second = u32::try_from(tables.second).unwrap_or(u32::MAX);
    let (within, ranks) = (CompareScope::Both(second), Ranks::default());
    band_pairs(
        options,
        sketched,
        &ranks,
        within,
        &Mutex::new(&mut found),
        passes,
    )?;
    let (alike, _) = verifier.finish()?;
    let mut best: HashMap<u32, SimilarRows> = HashMap::new();
    for alike in alike {
        let old = best.entry(alike.other).or_insert(alike);
        if (alike.similarity, old.kept) > (old.similarity, alike.kept) {
            *old = alike;
        }
    }
    let mut best: Vec<SimilarRows> = best.into_values().collect();
    best.sort_unstable_by(|a, b| {
        let by_likeness = b.similarity.total_cmp(&a.similarity);
        by_likeness.then(a.other.cmp(&b.other))
    });
    Ok(best)
}

/// Bloom filter of the band hashes of the smaller table; 256 bits per row.
struct BandFilter(Vec<AtomicU64>);

impl BandFilter {
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

/// Batches of two tables, the second behind the first.
struct ConcatenatedBatches {
    a: Arc<dyn Batches>,
    b: Arc<dyn Batches>,
    /// Number of batches in the first table, once known.
    ended: Arc<OnceLock<u64>>,
}

impl Batches for ConcatenatedBatches {
    fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError> {
        let before = match self.a.next(batch)? {
            NextBatch::Batch(number) => return Ok(NextBatch::Batch(number)),
            NextBatch::End(parts) => parts,
        };
        self.ended.get_or_init(|| before);
        Ok(match self.b.next(batch)? {
            NextBatch::Batch(number) => NextBatch::Batch(before + number),
            NextBatch::End(parts) => NextBatch::End(before + parts),
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
