//! Equal rows: groups rows by hash.
//! [`compare_rows`](crate::inspect::dedup::exact::compare_bytes::compare_rows) then compares the bytes.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::exact::compare_bytes::EqualRow;
use crate::inspect::dedup::exact::compare_bytes::compare_rows;
use crate::inspect::dedup::exact::row_hashes::HASH_RECORD_BYTES;
use crate::inspect::dedup::exact::row_hashes::RowHashes;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::external::multi_pass::in_threads;
use crate::inspect::table::TableError;
use crate::locks::lock;

/// Returns each row that equals a kept row, in ascending order.
pub(in crate::inspect::dedup) fn equal_rows(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    row_hashes: &mut RowHashes<'_>,
) -> Result<Vec<EqualRow>, TableError> {
    let mut groups = groups(options, row_hashes)?;
    if groups.is_empty() {
        return Ok(groups);
    }
    let wrong = compare_rows(passes, options, &groups)?;
    groups.retain(|same| wrong.binary_search(&same.row).is_err());
    groups.retain(|same| same.row != same.kept);
    Ok(groups)
}

/// Groups rows with equal hashes, the kept row included, in ascending order.
fn groups(
    options: &DedupOptions<'_>,
    row_hashes: &mut RowHashes<'_>,
) -> Result<Vec<EqualRow>, TableError> {
    let (parts, ranks) = (row_hashes.hashes.len(), &row_hashes.ranks);
    let next = AtomicUsize::new(0);
    let hashes = Mutex::new(&mut row_hashes.hashes);
    let work = || {
        let mut found = Vec::new();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return Ok(found);
            }
            let taken = lock(&hashes).take(part);
            let mut records = taken.records(decoded)?;
            records.sort_unstable();
            for group in records.chunk_by(|a, b| a.0 == b.0 && a.1 == b.1) {
                if group.len() < 2 {
                    continue;
                }
                let rows = group.iter().map(|r| ((r.2 >> 32) as u32, r.2 as u32));
                let first = rows.clone().min_by_key(|(row, _)| ranks.key(*row));
                let Some((kept, _)) = first else { continue };
                found.extend(rows.map(|(row, place)| EqualRow { row, kept, place }));
            }
        }
    };
    let mut found = in_threads(options.threads, &work)?.concat();
    found.sort_unstable();
    Ok(found)
}

/// Splits a record into the two halves of the hash and a word of row number and position.
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
