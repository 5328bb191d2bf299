//! The whole duplicate search.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::DedupReport;
use crate::inspect::dedup::Keep;
use crate::inspect::dedup::Method;
use crate::inspect::dedup::OpenRows;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::Weighting;
use crate::inspect::dedup::cluster::decide;
use crate::inspect::dedup::exact::compare_bytes::EqualRow;
use crate::inspect::dedup::exact::equal_rows::equal_rows;
use crate::inspect::dedup::exact::row_hashes::RowHashes;
use crate::inspect::dedup::exact::row_hashes::hash_rows;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::near::jaccard::SimilarRows;
use crate::inspect::dedup::near::jaccard::Verifier;
use crate::inspect::dedup::near::lsh::BandIndex;
use crate::inspect::dedup::near::lsh::CompareScope;
use crate::inspect::dedup::near::lsh::Pair;
use crate::inspect::dedup::near::lsh::PairSink;
use crate::inspect::dedup::near::lsh::band_pairs;
use crate::inspect::dedup::near::lsh::fingerprint_pairs;
use crate::inspect::dedup::near::lsh::sketch_bytes;
use crate::inspect::dedup::near::lsh::sketch_rows;
use crate::inspect::dedup::near::stop_shingles::StopShingles;
use crate::inspect::dedup::sketch_cache::Sketches;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::progress::Progress;

/// Finds equal and similar rows.
///
/// # Errors
/// Errors of reading rows and of the spill, [`TableError::Interrupted`],
/// [`TableError::Unsupported`] beyond `DEDUP_ROWS_MAX` rows, and [`TableError::Damaged`] if the
/// rows change between passes.
pub fn dedup(
    open: &OpenRows<'_>,
    options: &DedupOptions<'_>,
    progress: &dyn Progress,
) -> Result<DedupReport, TableError> {
    let mut passes = Passes {
        open,
        selection: selection(options),
        threads: options.threads,
        size_bytes: options.size_bytes,
        progress,
        firsts: Vec::new(),
        surveyed: None,
    };
    let mut row_hashes = hash_rows(&mut passes, options)?;
    let same = equal_rows(&passes, options, &mut row_hashes)?;
    let near = near(&passes, options, &row_hashes, &same)?;
    let mut report = decide(row_hashes.numbers, &row_hashes.ranks, &same, near.alike);
    report.rows = row_hashes.rows;
    report.unique_rows = row_hashes.rows - report.removed.len();
    report.sources = row_hashes.sources.retention(&report.removed);
    report.compared = near.compared;
    report.sketched = near.sketched;
    report.spilled_bytes = row_hashes.hashes.spilled_bytes + near.spilled_bytes;
    Ok(report)
}

/// Returns the selection of the compared columns.
pub(in crate::inspect::dedup) fn selection(options: &DedupOptions<'_>) -> Selection {
    let mut columns = options.columns.clone();
    if !columns.is_empty() {
        columns.extend(options.source.clone());
        if let Keep::Maximum(column) = &options.keep {
            columns.push(column.clone());
        }
    }
    Selection {
        columns,
        ..Selection::default()
    }
}

/// Result of the near-duplicate search.
#[derive(Default)]
struct NearDuplicates {
    alike: Vec<SimilarRows>,
    compared: u64,
    sketched: u64,
    spilled_bytes: u64,
}

fn near(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    row_hashes: &RowHashes<'_>,
    same: &[EqualRow],
) -> Result<NearDuplicates, TableError> {
    let mut made = NearDuplicates::default();
    if options.method == Method::Exact {
        return Ok(made);
    }
    let mut removed = RowSet::with_rows(row_hashes.numbers);
    for one in same {
        removed.insert(one.row.into());
    }
    let common = match options.weighting {
        Weighting::Plain => StopShingles::default(),
        Weighting::Rare => {
            let rows = row_hashes.rows - removed.len();
            StopShingles::count(passes, options, &removed, rows)?
        }
    };
    let mut verifier = Verifier::new(passes, options, &common);
    let prints = match options.method {
        Method::SimHash { distance } => {
            let prints = Sketches::begin(options, size_of::<u64>(), Vec::new());
            let (by, ranks) = ((distance, &prints), &row_hashes.ranks);
            let mut found = |pairs: &mut Vec<Pair>| verifier.add(pairs);
            fingerprint_pairs(passes, options, by, &removed, ranks, &mut found)?;
            prints
        }
        _ => {
            let prints = Sketches::begin(options, sketch_bytes(options), common.left_out());
            let before = prints.common().map(StopShingles::of_left_out);
            let by = (before.as_ref().unwrap_or(&common), &prints);
            let sketched = Mutex::new(BandIndex::new(options, row_hashes.numbers));
            sketch_rows(passes, options, by, &removed, &sketched, &|_, _| true)?;
            let sketched = sketched.into_inner();
            let mut sketched = sketched.unwrap_or_else(PoisonError::into_inner);
            sketched.end_writing()?;
            made.spilled_bytes = sketched.spilled_bytes();
            verifier.reserve(sketched.bytes());
            let mut found = |pairs: &mut Vec<Pair>| verifier.add(pairs);
            let found: Mutex<&mut PairSink<'_>> = Mutex::new(&mut found);
            let within = CompareScope::One;
            band_pairs(options, sketched, &row_hashes.ranks, within, &found, passes)?;
            prints
        }
    };
    made.sketched = prints.made();
    prints.finish();
    (made.alike, made.compared) = verifier.finish()?;
    Ok(made)
}
