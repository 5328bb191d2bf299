//! LSH: candidate pairs from the bands of sketches, and from fingerprints.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::exact::row_hashes::Ranks;
use crate::inspect::dedup::external::multi_pass::Passes;
use crate::inspect::dedup::external::multi_pass::RowText;
use crate::inspect::dedup::external::multi_pass::in_threads;
use crate::inspect::dedup::external::partitions::Partitions;
use crate::inspect::dedup::near::b_bit::BIT_SKETCH_BYTES;
use crate::inspect::dedup::near::b_bit::BitSketches;
use crate::inspect::dedup::near::b_bit::bits_of;
use crate::inspect::dedup::near::hamming::near_pairs;
use crate::inspect::dedup::near::shingles::each_shingle;
use crate::inspect::dedup::near::simhash::simhash;
use crate::inspect::dedup::near::sketch::Bands;
use crate::inspect::dedup::near::sketch::sketch;
use crate::inspect::dedup::near::stop_shingles::StopShingles;
use crate::inspect::dedup::sketch_cache::Sketches;
use crate::inspect::table::Row;
use crate::inspect::table::TableError;
use crate::locks::lock;

/// A candidate pair: the preferred row in the upper 32 bits, the other in the lower.
pub(in crate::inspect::dedup) type Pair = u64;

pub(in crate::inspect::dedup) fn pair(kept: u32, other: u32) -> Pair {
    u64::from(kept) << 32 | u64::from(other)
}

pub(in crate::inspect::dedup) fn rows_of(pair: Pair) -> (u32, u32) {
    ((pair >> 32) as u32, pair as u32)
}

/// Consumer of candidate pairs; it drains the vector.
pub(in crate::inspect::dedup) type PairSink<'a> =
    dyn FnMut(&mut Vec<Pair>) -> Result<(), TableError> + Send + 'a;

/// Bytes of a record: a band's hash and its row.
pub(in crate::inspect::dedup) const BAND_RECORD_BYTES: usize = 8;

/// Sketches of the rows: the hashes of their bands and their b-bit sketches.
pub(in crate::inspect::dedup) struct BandIndex<'a> {
    /// Hashes of bands, one partition per band.
    parts: Partitions<'a>,
    bits: BitSketches,
}

impl<'a> BandIndex<'a> {
    /// Creates an empty collection for `numbers` rows.
    pub(in crate::inspect::dedup) fn new(options: &DedupOptions<'a>, numbers: u64) -> Self {
        let bands = Bands::for_threshold(options.threshold).bands;
        Self {
            parts: Partitions::new(bands, options.budget_bytes / 2, options.spill),
            bits: BitSketches::for_rows(options, numbers),
        }
    }

    /// Bytes written to the spill.
    pub(in crate::inspect::dedup) fn spilled_bytes(&self) -> u64 {
        self.parts.spilled_bytes
    }

    /// Bytes that stay in memory until all pairs are compared.
    pub(in crate::inspect::dedup) fn bytes(&self) -> usize {
        self.bits.bytes()
    }

    /// Ends the adding of rows.
    pub(in crate::inspect::dedup) fn end_writing(&mut self) -> Result<(), TableError> {
        Ok(self.parts.end_writing()?)
    }
}

/// Sketches every row outside `removed`, without its common shingles. Adds the hash of each band
/// that `wants` accepts to that band's partition.
pub(in crate::inspect::dedup) fn sketch_rows(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    (common, prints): (&StopShingles, &Sketches),
    removed: &RowSet,
    sketched: &Mutex<BandIndex<'_>>,
    wants: &(dyn Fn(usize, u32) -> bool + Sync),
) -> Result<(), TableError> {
    let (bands, shingle) = (Bands::for_threshold(options.threshold), options.shingle());
    passes.each(
        "sketching rows",
        || {
            (
                SketchWorker::default(),
                vec![Vec::new(); bands.bands],
                Vec::new(),
            )
        },
        |(work, records, bits), first, batch| {
            let make = &mut |row: &Row<'_>, print: &mut Vec<u8>| {
                let text = work.text.strings(batch, row, &options.columns);
                work.shingles.clear();
                each_shingle(text, shingle, |h| work.shingles.push((h >> 32) as u32));
                common.select_sketched(&work.shingles, &mut work.thinned);
                if let Some(sketch) = sketch(&work.thinned) {
                    let hashes = bands.hashes(&sketch);
                    print.extend(hashes.flat_map(u32::to_le_bytes));
                    print.extend(bits_of(&sketch).to_le_bytes());
                }
            };
            prints.each(batch, first, removed, make, &mut |number, print| {
                let Some((hashes, last)) = print.split_last_chunk::<BIT_SKETCH_BYTES>() else {
                    return;
                };
                // The number of rows is below `DEDUP_ROWS_MAX`.
                bits.push((number as u32, u128::from_le_bytes(*last)));
                let (hashes, _) = hashes.as_chunks();
                for ((n, hash), records) in hashes.iter().enumerate().zip(&mut *records) {
                    let hash = u32::from_le_bytes(*hash);
                    if wants(n, hash) {
                        let record = u64::from(hash) << 32 | number;
                        records.extend_from_slice(&record.to_le_bytes());
                    }
                }
            });
            let mut sketched = lock(sketched);
            for (n, records) in records.iter_mut().enumerate() {
                sketched.parts.push(n, records)?;
                records.clear();
            }
            for (row, bits) in bits.drain(..) {
                sketched.bits.put(row, bits);
            }
            Ok(())
        },
    )?;
    Ok(())
}

/// Bytes of a row's cache entry: the hashes of all its bands, and its b-bit sketch.
pub(in crate::inspect::dedup) fn sketch_bytes(options: &DedupOptions<'_>) -> usize {
    Bands::for_threshold(options.threshold).bands * size_of::<u32>() + BIT_SKETCH_BYTES
}

#[derive(Default)]
struct SketchWorker {
    text: RowText,
    shingles: Vec<u32>,
    thinned: Vec<u32>,
}

/// Passes the pairs of each band to `found`, in batches.
pub(in crate::inspect::dedup) fn band_pairs(
    options: &DedupOptions<'_>,
    sketched: BandIndex<'_>,
    ranks: &Ranks,
    within: CompareScope,
    found: &Mutex<&mut PairSink<'_>>,
    passes: &Passes<'_>,
) -> Result<(), TableError> {
    let BandIndex { parts, bits } = sketched;
    let (bands, parts) = (parts.len(), Mutex::new(parts));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut pairs = Vec::new();
        loop {
            let band = next.fetch_add(1, Ordering::Relaxed);
            if passes.progress.cancelled() {
                return Err(TableError::Interrupted);
            }
            if band >= bands {
                return Ok(());
            }
            let taken = lock(&parts).take(band);
            // Sorted by hash, then by row.
            let of = |record: &[u8; BAND_RECORD_BYTES]| u64::from_le_bytes(*record);
            let mut records = taken.records(of)?;
            records.sort_unstable();
            let mut members = Vec::new();
            for bucket in records.chunk_by(|a, b| a >> 32 == b >> 32) {
                if bucket.len() < 2 {
                    continue;
                }
                members.clear();
                members.extend(bucket.iter().map(|r| (*r as u32, bits.of(*r as u32))));
                if !ranks.is_by_row() {
                    members.sort_unstable_by_key(|(row, _)| ranks.key(*row));
                }
                let mut add = |kept: &BucketRow, other: &BucketRow| {
                    if bits.may_be_alike(kept.1, other.1) {
                        pairs.push(pair(kept.0, other.0));
                    }
                };
                match within {
                    CompareScope::One => bucket_pairs(&members, &mut add),
                    CompareScope::Both(second) => crossing_pairs(&members, second, &mut add),
                }
                if pairs.len() >= PAIRS_AT_ONCE {
                    lock(found)(&mut pairs)?;
                }
            }
            lock(found)(&mut pairs)?;
        }
    };
    // Pairs and other data need as much memory again.
    let rows = passes.firsts.last().copied().unwrap_or(0);
    let band_bytes = 2 * rows.max(1) * BAND_RECORD_BYTES as u64;
    let room = options.budget_bytes as u64 / band_bytes;
    let threads = usize::try_from(room)
        .unwrap_or(usize::MAX)
        .clamp(1, options.threads.max(1));
    in_threads(threads, &work).map(|_| ())
}

/// Scope of the comparison.
#[derive(Clone, Copy)]
pub(in crate::inspect::dedup) enum CompareScope {
    /// All rows with each other.
    One,
    /// Rows before this number with rows from it on.
    Both(u32),
}

/// A row of a bucket with its b-bit sketch.
type BucketRow = (u32, u128);

/// Adds the pairs across two tables. A row of the second table meets only a few of the first table's
/// rows if these are many.
fn crossing_pairs(members: &[BucketRow], second: u32, add: &mut dyn FnMut(&BucketRow, &BucketRow)) {
    let (before, behind) = members.split_at(members.partition_point(|m| m.0 < second));
    let first = before.iter().take(BUCKET_SOME);
    let last = before.iter().skip(BUCKET_SOME).rev().take(BUCKET_SOME);
    for kept in first.chain(last) {
        behind.iter().for_each(|other| add(kept, other));
    }
}

const PAIRS_AT_ONCE: usize = 1 << 16;
/// Largest bucket in which every pair is compared.
const BUCKET_ALL: usize = 24;
/// In a larger bucket, each row is compared with this number of rows at the front and of rows just
/// before it. The rows of a cluster stand together in most bands, with its kept row in front.
const BUCKET_SOME: usize = 12;

/// Adds the pairs of rows that share a band; the preferred row comes first.
fn bucket_pairs(members: &[BucketRow], add: &mut dyn FnMut(&BucketRow, &BucketRow)) {
    for (n, other) in members.iter().enumerate() {
        let before = members.get(..n).unwrap_or_default();
        if n < BUCKET_ALL {
            before.iter().for_each(|kept| add(kept, other));
            continue;
        }
        let first = before.get(..BUCKET_SOME).unwrap_or_default();
        let last = before.get(n - BUCKET_SOME..).unwrap_or_default();
        first.iter().chain(last).for_each(|kept| add(kept, other));
    }
}

/// Passes the pairs of rows with near fingerprints to `found`.
pub(in crate::inspect::dedup) fn fingerprint_pairs(
    passes: &Passes<'_>,
    options: &DedupOptions<'_>,
    (distance, prints): (u32, &Sketches),
    removed: &RowSet,
    ranks: &Ranks,
    found: &mut PairSink<'_>,
) -> Result<(), TableError> {
    let shingle = options.shingle();
    let made = passes.each(
        "fingerprinting rows",
        || (RowText::default(), Vec::new()),
        |(text, found), first, batch| {
            let make = &mut |row: &Row<'_>, print: &mut Vec<u8>| {
                let made = simhash(text.strings(batch, row, &options.columns), shingle);
                print.extend(made.into_iter().flat_map(u64::to_le_bytes));
            };
            prints.each(batch, first, removed, make, &mut |number, print| {
                let print = print.first_chunk().copied().map(u64::from_le_bytes);
                // The number of rows is below `DEDUP_ROWS_MAX`.
                found.extend(print.map(|p| (number as u32, p)));
            });
            Ok(())
        },
    )?;
    let mut all: Vec<(u32, u64)> = made.into_iter().flat_map(|(_, prints)| prints).collect();
    all.sort_unstable();
    let (rows, prints): (Vec<u32>, Vec<u64>) = all.into_iter().unzip();
    let (mut pairs, mut done) = (Vec::new(), Ok(()));
    near_pairs(&prints, distance, &mut |near| {
        let row = |n: u32| rows.get(n as usize).copied().unwrap_or(0);
        let (kept, other) = ranks.order(row(near.first), row(near.second));
        pairs.push(pair(kept, other));
        if pairs.len() >= PAIRS_AT_ONCE {
            done = if passes.progress.cancelled() {
                Err(TableError::Interrupted)
            } else {
                found(&mut pairs)
            };
        }
        done.is_ok()
    });
    done?;
    found(&mut pairs)
}
