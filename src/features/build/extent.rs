//! Records of a part to cells, rows and texts, in the order of their hashes.

use std::path::Path;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::features::build::BuildOptions;
use crate::features::build::BuildReport;
use crate::features::build::encode::Encoder;
use crate::features::build::encode::LENGTH_BYTES;
use crate::features::build::encode::RECORD_HEAD_BYTES;
use crate::features::build::spill::Spill;
use crate::features::build::write::Extent;
use crate::features::build::write::SegmentWriter;
use crate::features::error::FeatureError;
use crate::features::segment::CELL_BYTES;
use crate::features::segment::Cell;
use crate::features::segment::ROWS_PER_CELL;
use crate::features::segment::RowLayout;
use crate::features::segment::Storage;
use crate::features::segment::part_of;
use crate::locks::lock;
use crate::locks::threads;
use crate::progress::Progress;

/// The turn in which parts are written.
struct Turn {
    writer: Option<SegmentWriter>,
    next: usize,
    duplicates: u64,
    failure: Option<FeatureError>,
}

/// Lays out the parts on all threads, and writes the segment.
pub(super) fn write_parts(
    path: &Path,
    (encoder, seed): (&Encoder, [u8; 16]),
    spill: &Spill,
    options: &BuildOptions,
    progress: &dyn Progress,
) -> Result<BuildReport, FeatureError> {
    let facts = encoder.facts();
    let layout = RowLayout::of_facts(encoder.schema(), &facts.columns)?;
    let parts = spill.parts() as usize;
    let cells = facts.rows.div_ceil(parts as u64 * ROWS_PER_CELL).max(1);
    let sorter = Sorter {
        encoder,
        layout: &layout,
        runs: Run::all(encoder, &layout),
        has_runs_only: layout
            .slots
            .iter()
            .all(|slot| matches!(slot.storage, Storage::Fixed(_)) && slot.null_bit.is_none()),
        parts: parts as u64,
        cells,
    };
    progress.phase("write the segment", Some(parts as u64));
    let turn = Mutex::new(Turn {
        writer: Some(SegmentWriter::create(path)?),
        next: 0,
        duplicates: 0,
        failure: None,
    });
    let (begun, changed) = (AtomicUsize::new(0), Condvar::new());
    std::thread::scope(|scope| {
        for _ in 0..threads().min(parts) {
            scope.spawn(|| {
                loop {
                    let part = begun.fetch_add(1, Ordering::Relaxed);
                    if part >= parts {
                        return;
                    }
                    let extent = match progress.cancelled() {
                        true => Err(FeatureError::Interrupted),
                        false => spill
                            .take(part)
                            .and_then(|records| sorter.lay_out(&records)),
                    };
                    if !write_in_turn(part, extent, (&turn, &changed), layout.bytes) {
                        return;
                    }
                    progress.advance(1);
                }
            });
        }
    });
    let turn = turn.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = turn.failure {
        return Err(error);
    }
    let Some(writer) = turn.writer else {
        return Err(FeatureError::Interrupted);
    };
    let mut report = BuildReport {
        duplicates: turn.duplicates,
        null_keys: facts.null_keys,
        ..BuildReport::default()
    };
    let counts = (report.duplicates, report.null_keys);
    (report.rows, report.bytes) = writer.finish(
        path,
        (encoder.schema(), &layout),
        (seed, counts),
        &options.origin,
    )?;
    Ok(report)
}

/// Waits for the turn of a part, and writes it. Returns false if the work is over.
fn write_in_turn(
    part: usize,
    extent: Result<Extent, FeatureError>,
    (turn, changed): (&Mutex<Turn>, &Condvar),
    row_bytes: usize,
) -> bool {
    let mut turn = lock(turn);
    while turn.next != part && turn.failure.is_none() {
        turn = changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
    }
    if turn.failure.is_some() {
        return false;
    }
    let written = extent.and_then(|extent| {
        turn.duplicates += extent.duplicates;
        match &mut turn.writer {
            Some(writer) => writer.put(&extent, row_bytes),
            None => Ok(()),
        }
    });
    turn.next += 1;
    turn.failure = written.err();
    changed.notify_all();
    turn.failure.is_none()
}

/// A record by its hash, its order, and its place among the records of the part.
type Entry = (u64, u64, usize);

/// Neighbouring values of fixed width, which stand in a row as in the fixed part of a record.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The offset in the fixed part.
    from: usize,
    /// The offset in the row.
    to: usize,
    bytes: usize,
}

impl Run {
    fn all(encoder: &Encoder, layout: &RowLayout) -> Vec<Self> {
        let mut runs: Vec<Self> = Vec::new();
        for slot in encoder.slots() {
            let Some(to) = layout.slots.get(slot.place) else {
                continue;
            };
            let Storage::Fixed(bytes) = to.storage else {
                continue;
            };
            match runs.last_mut() {
                Some(run) if run.from + run.bytes == slot.at && run.to + run.bytes == to.at => {
                    run.bytes += bytes;
                }
                _ => runs.push(Self {
                    from: slot.at,
                    to: to.at,
                    bytes,
                }),
            }
        }
        runs
    }
}

struct Sorter<'a> {
    encoder: &'a Encoder,
    layout: &'a RowLayout,
    runs: Vec<Run>,
    /// True if rows have nothing beside runs: no texts and no nulls.
    has_runs_only: bool,
    parts: u64,
    cells: u64,
}

impl Sorter<'_> {
    fn lay_out(&self, records: &[u8]) -> Result<Extent, FeatureError> {
        let entries = self.sorted(records);
        let mut extent = Extent::default();
        extent.rows.reserve_exact(entries.len() * self.layout.bytes);
        let cells = usize::try_from(self.cells).unwrap_or(0);
        extent.cells.reserve_exact(cells.saturating_mul(CELL_BYTES));
        let mut hashes: Vec<u64> = Vec::new();
        let (mut cell, mut first) = (0, 0_u32);
        let mut at = 0;
        while let Some((hash, ..)) = entries.get(at) {
            let same = entries.iter().skip(at).take_while(|e| e.0 == *hash).count();
            let run = entries.get(at..at + same).unwrap_or_default();
            at += same;
            let (_, own) = part_of(*hash, self.parts, self.cells);
            while cell < own {
                self.end_cell(&mut extent, &mut first, &mut hashes)?;
                cell += 1;
            }
            for (n, (_, _, place)) in run.iter().enumerate() {
                let later = run.get(n + 1..).unwrap_or_default();
                let is_own = |(_, _, other): &Entry| {
                    self.key_bytes(records, *other) == self.key_bytes(records, *place)
                };
                if later.iter().any(is_own) {
                    extent.duplicates += 1;
                    continue;
                }
                self.put_row(&mut extent, records.get(*place..).unwrap_or_default());
                hashes.push(*hash);
            }
        }
        while cell < self.cells {
            self.end_cell(&mut extent, &mut first, &mut hashes)?;
            cell += 1;
        }
        extent.row_count = u64::from(first);
        Ok(extent)
    }

    fn end_cell(
        &self,
        extent: &mut Extent,
        first: &mut u32,
        hashes: &mut Vec<u64>,
    ) -> Result<(), FeatureError> {
        let limit = |what: &str, limit: &str| FeatureError::Limit {
            what: what.to_owned(),
            limit: limit.to_owned(),
        };
        let cell = Cell::of_rows(*first, hashes.iter().copied());
        let cell = cell.ok_or_else(|| limit("the number of keys with one hash", "255"))?;
        extent.cells.extend_from_slice(cell.bytes());
        let next = first.checked_add(hashes.len() as u32);
        *first = next.ok_or_else(|| limit("the number of rows of a part", "4294967295 rows"))?;
        hashes.clear();
        Ok(())
    }

    /// Finds all records, sorted by hash and then by order.
    fn sorted(&self, records: &[u8]) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(records.len() / self.encoder.record_bytes().max(1));
        let mut at = 0;
        while let Some(record) = records.get(at..).filter(|rest| !rest.is_empty()) {
            let number = |at: usize| {
                let bytes = record.get(at..).and_then(|rest| rest.first_chunk::<8>());
                bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
            };
            entries.push((number(0), number(8), at));
            let texts: usize = self.text_lengths(record).sum();
            at += self.encoder.record_bytes() + texts;
        }
        entries.sort_unstable();
        entries
    }

    /// Returns the lengths of the texts of a record, in the order of a record.
    fn text_lengths<'a>(&'a self, record: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let texts = self.encoder.slots().iter().filter(|slot| slot.is_text);
        texts.map(move |slot| text_length(record, slot.at))
    }

    /// Returns the bytes of a record that are its key: equal for equal keys alone.
    fn key_bytes<'a>(&self, records: &'a [u8], place: usize) -> (&'a [u8], &'a [u8]) {
        let record = records.get(place..).unwrap_or_default();
        let count = self.encoder.schema().key_places().len();
        let key = self.encoder.slots().get(..count).unwrap_or_default();
        let fixed: usize = key.iter().map(|slot| slot.width).sum();
        let texts = key.iter().filter(|slot| slot.is_text);
        let texts: usize = texts.map(|slot| text_length(record, slot.at)).sum();
        let end = self.encoder.record_bytes();
        let fixed = record.get(RECORD_HEAD_BYTES..RECORD_HEAD_BYTES + fixed);
        let texts = record.get(end..end + texts);
        (fixed.unwrap_or_default(), texts.unwrap_or_default())
    }

    fn put_row(&self, extent: &mut Extent, record: &[u8]) {
        let fixed = record.get(RECORD_HEAD_BYTES..).unwrap_or_default();
        let start = extent.rows.len();
        extent.rows.resize(start + self.layout.bytes, 0);
        let row = extent.rows.get_mut(start..).unwrap_or_default();
        for run in &self.runs {
            copy(row, run.to, fixed.get(run.from..run.from + run.bytes));
        }
        if self.has_runs_only {
            return;
        }
        let mut text_at = self.encoder.record_bytes();
        for (bit, slot) in self.encoder.slots().iter().enumerate() {
            let Some(to) = self.layout.slots.get(slot.place) else {
                continue;
            };
            match to.storage {
                Storage::Fixed(_) => {}
                Storage::Inline(_) | Storage::Heap => {
                    let length = text_length(record, slot.at);
                    let text = record.get(text_at..text_at + length).unwrap_or_default();
                    text_at += length;
                    if to.storage == Storage::Heap {
                        copy(row, to.at, Some(&(length as u32).to_le_bytes()));
                        let place = (extent.heap.len() as u64).to_le_bytes();
                        copy(row, to.at + LENGTH_BYTES, Some(&place));
                        extent.heap.extend_from_slice(text);
                    } else {
                        copy(row, to.at, Some(&[length as u8]));
                        copy(row, to.at + 1, Some(text));
                    }
                }
            }
            if let Some(null_bit) = to.null_bit {
                let byte = fixed.get(self.encoder.nulls_at() + bit / 8).copied();
                let is_null = byte.unwrap_or(0) >> (bit % 8) & 1;
                if let Some(to) = row.get_mut(self.layout.nulls_at + null_bit / 8) {
                    *to |= is_null << (null_bit % 8);
                }
            }
        }
    }
}

#[inline]
fn copy(row: &mut [u8], at: usize, from: Option<&[u8]>) {
    let from = from.unwrap_or_default();
    if let Some(to) = row.get_mut(at..at + from.len()) {
        to.copy_from_slice(from);
    }
}

/// Returns the length of the text of a column whose fixed part is at an offset.
#[inline]
fn text_length(record: &[u8], at: usize) -> usize {
    let bytes = record.get(RECORD_HEAD_BYTES + at..);
    let bytes = bytes.and_then(|rest| rest.first_chunk::<LENGTH_BYTES>());
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}
