//! The whole search for duplicates.

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
use crate::inspect::dedup::exact::equal_rows::Same;
use crate::inspect::dedup::exact::equal_rows::same_rows;
use crate::inspect::dedup::exact::row_hashes::Survey;
use crate::inspect::dedup::exact::row_hashes::survey;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::near::jaccard::Alike;
use crate::inspect::dedup::near::jaccard::Verifier;
use crate::inspect::dedup::near::lsh::Found;
use crate::inspect::dedup::near::lsh::Pair;
use crate::inspect::dedup::near::lsh::Sketched;
use crate::inspect::dedup::near::lsh::Within;
use crate::inspect::dedup::near::lsh::band_pairs;
use crate::inspect::dedup::near::lsh::print_bytes;
use crate::inspect::dedup::near::lsh::print_pairs;
use crate::inspect::dedup::near::lsh::sketch_rows;
use crate::inspect::dedup::near::stop_shingles::Common;
use crate::inspect::dedup::sketch_cache::Sketches;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::progress::Progress;

/// Finds rows that are the same as others, and rows that are like others.
///
/// # Errors
/// What reading rows or the spill says, [`TableError::Interrupted`],
/// [`TableError::Unsupported`] beyond `DEDUP_ROWS_MAX` rows, and [`TableError::Damaged`] when the
/// rows are not the same in every pass.
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
    let mut survey = survey(&mut passes, options)?;
    let same = same_rows(&passes, options, &mut survey)?;
    let near = near(&passes, options, &survey, &same)?;
    let mut report = decide(survey.numbers, &survey.ranks, &same, near.alike);
    report.rows = survey.rows;
    report.unique_rows = survey.rows - report.removed.len();
    report.sources = survey.sources.retention(&report.removed);
    report.compared = near.compared;
    report.sketched = near.sketched;
    report.spilled_bytes = survey.hashes.spilled_bytes + near.spilled_bytes;
    Ok(report)
}

/// The columns that are looked at, where not all of a row is.
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

/// What came of comparing rows that are not the same.
#[derive(Default)]
struct Near {
    alike: Vec<Alike>,
    compared: u64,
    sketched: u64,
    spilled_bytes: u64,
}

fn near(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    survey: &Survey<'_>,
    same: &[Same],
) -> Result<Near, TableError> {
    let mut made = Near::default();
    if options.method == Method::Exact {
        return Ok(made);
    }
    let mut removed = RowSet::with_rows(survey.numbers);
    for one in same {
        removed.insert(one.row.into());
    }
    let common = match options.weighting {
        Weighting::Plain => Common::default(),
        Weighting::Rare => {
            let rows = survey.rows - removed.len();
            Common::count(passes, options, &removed, rows)?
        }
    };
    let mut verifier = Verifier::new(passes, options, &common);
    let prints = match options.method {
        Method::SimHash { distance } => {
            let prints = Sketches::begin(options, size_of::<u64>(), Vec::new());
            let (by, ranks) = ((distance, &prints), &survey.ranks);
            let mut found = |pairs: &mut Vec<Pair>| verifier.add(pairs);
            print_pairs(passes, options, by, &removed, ranks, &mut found)?;
            prints
        }
        _ => {
            let prints = Sketches::begin(options, print_bytes(options), common.left_out());
            let before = prints.common().map(Common::of_left_out);
            let by = (before.as_ref().unwrap_or(&common), &prints);
            let sketched = Mutex::new(Sketched::new(options, survey.numbers));
            sketch_rows(passes, options, by, &removed, &sketched, &|_, _| true)?;
            let sketched = sketched.into_inner();
            let mut sketched = sketched.unwrap_or_else(PoisonError::into_inner);
            sketched.settle()?;
            made.spilled_bytes = sketched.spilled_bytes();
            verifier.leave(sketched.bytes());
            let mut found = |pairs: &mut Vec<Pair>| verifier.add(pairs);
            let found: Mutex<&mut Found<'_>> = Mutex::new(&mut found);
            let within = Within::One;
            band_pairs(options, sketched, &survey.ranks, within, &found, passes)?;
            prints
        }
    };
    made.sketched = prints.made();
    prints.finish();
    (made.alike, made.compared) = verifier.finish()?;
    Ok(made)
}
