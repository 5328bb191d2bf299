//! Row diff of two file versions whose rows are not lines. It reads all rows of both, and keeps a
//! hash of each.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::inspect::table::Batch;
use crate::inspect::table::Scan;
use crate::inspect::table::ScannedBatch;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::locks::threads;
use crate::progress::Progress;
use crate::registry::error::Error;
use crate::registry::row_diff::RowDiff;
use crate::registry::row_diff::RowSample;
use crate::registry::row_diff::SAMPLE_CHARS;
use crate::registry::row_diff::SAMPLES_MAX;
use crate::registry::targets::Target;
use crate::wire::limits::DIFF_ROWS_MAX;

/// Hashes of the rows of a file.
struct RowHashes {
    /// Number of each row and hash of its text.
    rows: Vec<(u64, u64)>,
    bytes_read: u64,
}

/// Adjacent rows that the other file lacks, as indexes of its rows.
type RowRun = std::ops::Range<usize>;

/// Compares two files. Returns `None` if one of them has more than [`DIFF_ROWS_MAX`] rows.
///
/// # Errors
/// `TargetError::Rows` when rows cannot be read, [`Error::Interrupted`].
pub(in crate::registry) fn compare_all(
    a: &Target,
    b: &Target,
    progress: &dyn Progress,
) -> Result<Option<RowDiff>, Error> {
    let (Some(of_a), Some(of_b)) = (hashed(a, progress)?, hashed(b, progress)?) else {
        return Ok(None);
    };
    let mut diff = RowDiff {
        bytes_read: of_a.bytes_read.saturating_add(of_b.bytes_read),
        ..RowDiff::default()
    };
    let (partners, only_b) = pair(&of_a.rows, &of_b.rows);
    let only_a = |n: usize| partners.get(n) == Some(&None);
    let runs_a = runs(of_a.rows.len(), &only_a);
    let runs_b = runs(of_b.rows.len(), &|n| only_b.get(n) == Some(&true));
    let mut left: BTreeMap<usize, RowRun> = runs_b.into_iter().map(|r| (r.start, r)).collect();
    let mut samples: Vec<(Option<u64>, Option<u64>)> = Vec::new();
    let number = |rows: &[(u64, u64)], n: Option<usize>| {
        let row = rows.get(n?)?;
        Some(row.0)
    };
    let mut count = |gone: RowRun, came: RowRun| {
        let changed = gone.len().min(came.len());
        diff.changed += changed as u64;
        diff.removed += (gone.len() - changed) as u64;
        diff.added += (came.len() - changed) as u64;
        for n in 0..gone.len().max(came.len()) {
            if samples.len() >= SAMPLES_MAX {
                return;
            }
            let (before, after) = (gone.clone().nth(n), came.clone().nth(n));
            samples.push((number(&of_a.rows, before), number(&of_b.rows, after)));
        }
    };
    for gone in runs_a {
        // Rows after the same predecessor in both files are counted as changed.
        let place = match gone.start.checked_sub(1) {
            None => Some(0),
            Some(before) => {
                let partner = partners.get(before).copied().flatten();
                partner.map(|n| n as usize + 1)
            }
        };
        let came = place.and_then(|place| left.remove(&place));
        count(gone, came.unwrap_or(0..0));
    }
    for came in left.into_values() {
        count(0..0, came);
    }
    let texts_a = texts(a, samples.iter().filter_map(|s| s.0), progress)?;
    let texts_b = texts(b, samples.iter().filter_map(|s| s.1), progress)?;
    let side = |texts: &HashMap<u64, String>, n: Option<u64>| {
        n.map(|n| (n, texts.get(&n).cloned().unwrap_or_default()))
    };
    let sample = |(before, after): &(Option<u64>, Option<u64>)| RowSample {
        before: side(&texts_a, *before),
        after: side(&texts_b, *after),
    };
    diff.samples = samples.iter().map(sample).collect();
    Ok(Some(diff))
}

fn hashed(target: &Target, progress: &dyn Progress) -> Result<Option<RowHashes>, Error> {
    let mut found = RowHashes {
        rows: Vec::new(),
        bytes_read: 0,
    };
    let mut is_too_long = false;
    let batches = target.all(Selection::default());
    let scan = Scan {
        batches: batches.as_ref(),
        threads: threads(),
        progress,
    };
    let map = |(): &mut (), batch: &Batch| {
        let hash = |text: &[u8]| {
            let hash = blake3::hash(text);
            u64::from_le_bytes(hash.as_bytes().first_chunk().copied().unwrap_or_default())
        };
        let rows: Vec<(u64, u64)> = batch.rows().map(|r| (r.index, hash(r.text))).collect();
        Ok::<_, TableError>((rows, batch.bytes_read()))
    };
    let fold = |scanned: ScannedBatch<(Vec<(u64, u64)>, u64)>| {
        let (rows, bytes) = scanned.value;
        found.bytes_read += bytes;
        let numbered = rows.into_iter().map(|(n, hash)| (scanned.first + n, hash));
        found.rows.extend(numbered);
        is_too_long = found.rows.len() > DIFF_ROWS_MAX;
        Ok(if is_too_long {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    };
    scan.run(|| (), map, fold).map_err(|e| target.blame(e))?;
    Ok((!is_too_long).then_some(found))
}

/// Pairs each row of the first file with an equal row of the second. Also marks the rows of the
/// second without a partner. Equal rows at different positions are no difference.
fn pair(a: &[(u64, u64)], b: &[(u64, u64)]) -> (Vec<Option<u32>>, Vec<bool>) {
    // At most DIFF_ROWS_MAX rows.
    let sorted = |rows: &[(u64, u64)]| {
        let mut sorted: Vec<(u64, u32)> = rows.iter().map(|(_, hash)| *hash).zip(0..).collect();
        sorted.sort_unstable();
        sorted
    };
    let (sorted_a, sorted_b) = (sorted(a), sorted(b));
    let mut partners = vec![None; a.len()];
    let mut only_b = vec![true; b.len()];
    let mut of_b = sorted_b.into_iter().peekable();
    for (hash, n) in sorted_a {
        while of_b.next_if(|(other, _)| *other < hash).is_some() {}
        if let Some((_, other)) = of_b.next_if(|(other, _)| *other == hash) {
            if let Some(partner) = partners.get_mut(n as usize) {
                *partner = Some(other);
            }
            if let Some(is_only) = only_b.get_mut(other as usize) {
                *is_only = false;
            }
        }
    }
    (partners, only_b)
}

/// Returns the runs of rows that `is_such` selects.
fn runs(rows: usize, is_such: &dyn Fn(usize) -> bool) -> Vec<RowRun> {
    let mut runs: Vec<RowRun> = Vec::new();
    for n in (0..rows).filter(|n| is_such(*n)) {
        match runs.last_mut() {
            Some(last) if last.end == n => last.end = n + 1,
            _ => runs.push(n..n + 1),
        }
    }
    runs
}

/// Returns the first characters of the rows with these numbers.
fn texts(
    target: &Target,
    numbers: impl Iterator<Item = u64>,
    progress: &dyn Progress,
) -> Result<HashMap<u64, String>, Error> {
    let mut wanted: Vec<u64> = numbers.collect();
    wanted.sort_unstable();
    let mut found = HashMap::new();
    let Some(last) = wanted.last().copied() else {
        return Ok(found);
    };
    let batches = target.all(Selection::default());
    let scan = Scan {
        batches: batches.as_ref(),
        // One thread receives the batches in order, so it knows the row numbers.
        threads: 1,
        progress,
    };
    let map = |first: &mut u64, batch: &Batch| {
        let from = *first;
        *first += batch.count();
        let is_wanted = |n: u64| wanted.binary_search(&n).is_ok();
        let any = wanted.iter().any(|n| (from..*first).contains(n));
        let text = |text: &[u8]| {
            // A character takes at most four bytes.
            let front = text.get(..SAMPLE_CHARS * 4).unwrap_or(text);
            let front = String::from_utf8_lossy(front);
            front.chars().take(SAMPLE_CHARS).collect::<String>()
        };
        let rows = batch.rows().filter(|_| any);
        let rows = rows.filter(|r| is_wanted(from + r.index));
        let rows: Vec<(u64, String)> = rows.map(|r| (from + r.index, text(r.text))).collect();
        Ok::<_, TableError>((rows, *first))
    };
    let fold = |scanned: ScannedBatch<(Vec<(u64, String)>, u64)>| {
        let (rows, next) = scanned.value;
        found.extend(rows);
        Ok(if next > last {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    };
    scan.run(|| 0, map, fold).map_err(|e| target.blame(e))?;
    Ok(found)
}
