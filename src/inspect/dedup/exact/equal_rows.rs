//! Rows that are the same: found by their hashes; `confirm` compares the bytes.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::exact::compare_bytes::confirm;
use crate::inspect::dedup::exact::row_hashes::HASH_RECORD_BYTES;
use crate::inspect::dedup::exact::row_hashes::Survey;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::external::multi_pass::in_threads;
use crate::inspect::table::TableError;

/// A row of which there is the same in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::inspect::dedup) struct Same {
    /// The row.
    pub(in crate::inspect::dedup) row: u32,
    /// The one of all of them that stays.
    pub(in crate::inspect::dedup) kept: u32,
    /// Where it lies in its batch.
    pub(in crate::inspect::dedup) place: u32,
}

/// All rows that are the same as another that stays, in the order of rows.
pub(in crate::inspect::dedup) fn same_rows(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    survey: &mut Survey<'_>,
) -> Result<Vec<Same>, TableError> {
    let mut groups = groups(options, survey)?;
    if groups.is_empty() {
        return Ok(groups);
    }
    let wrong = confirm(passes, options, &groups)?;
    groups.retain(|same| wrong.binary_search(&same.row).is_err());
    groups.retain(|same| same.row != same.kept);
    Ok(groups)
}

/// Rows with equal hashes, the one that stays among them, in the order of rows.
fn groups(options: &DedupOptions<'_>, survey: &mut Survey<'_>) -> Result<Vec<Same>, TableError> {
    let (parts, ranks) = (survey.hashes.len(), &survey.ranks);
    let next = AtomicUsize::new(0);
    let hashes = Mutex::new(&mut survey.hashes);
    let work = || {
        let mut found = Vec::new();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return Ok(found);
            }
            let taken = hashes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(part);
            let mut records = taken.records(decoded)?;
            records.sort_unstable();
            for group in records.chunk_by(|a, b| a.0 == b.0 && a.1 == b.1) {
                if group.len() < 2 {
                    continue;
                }
                let rows = group.iter().map(|r| ((r.2 >> 32) as u32, r.2 as u32));
                let first = rows.clone().min_by_key(|(row, _)| ranks.key(*row));
                let Some((kept, _)) = first else { continue };
                found.extend(rows.map(|(row, place)| Same { row, kept, place }));
            }
        }
    };
    let mut found = in_threads(options.threads, &work)?.concat();
    found.sort_unstable();
    Ok(found)
}

/// Both halves of a hash, and a row above its place.
fn decoded(record: &[u8; HASH_RECORD_BYTES]) -> (u64, u64, u64) {
    let (words, _) = record.as_chunks();
    match words {
        [low, high, row] => (
            u64::from_le_bytes(*high),
            u64::from_le_bytes(*low),
            u64::from_le_bytes(*row),
        ),
        _ => (0, 0, 0),
    }
}
