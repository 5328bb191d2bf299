//! Writes, and joins of segments.

use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::features::build::BuildOptions;
use crate::features::build::build_of_batches;
use crate::features::error::FeatureError;
use crate::features::limits::WRITTEN_SEGMENTS_MAX;
use crate::features::segment::Origin;
use crate::features::serving::directory::SEGMENT;
use crate::features::serving::slot::Rows;
use crate::features::serving::slot::Segment;
use crate::features::serving::slot::Slot;
use crate::features::serving::written::list::SegmentList;
use crate::features::serving::written::rows::conformed;
use crate::features::serving::written::rows::rows_also_in;
use crate::features::serving::written::rows::rows_of;
use crate::features::table::FeatureTable;
use crate::locks::lock;
use crate::progress::NoProgress;

/// Factor by which a segment is larger than the newer ones together, and stays apart when they are joined.
const APART: u64 = 2;

/// Serves what the list names, if another program changed it. A table of the configuration gets its list here.
///
/// # Errors
/// [`FeatureError::Damaged`], [`FeatureError::File`]; [`FeatureError::Mismatch`] if the rows have other columns than
/// the configuration.
pub(in crate::features::serving) fn refresh(slot: &Slot) -> Result<SegmentList, FeatureError> {
    let list = match SegmentList::read(&slot.directory)? {
        Some(list) => list,
        // Another program removed it.
        None if !slot.is_configured => {
            return Err(FeatureError::NoTable(slot.config.name.clone()));
        }
        None => SegmentList::new(&slot.config.name, slot.schema(None)?),
    };
    if list.schema != slot.schema(None)? {
        return Err(FeatureError::Mismatch {
            file: slot.directory.file("segments.json").display().to_string(),
            why: "its rows have other columns than the configuration; remove it, or give the table another name"
                .to_owned(),
        });
    }
    let rows = slot.rows();
    let open = rows.iter().flat_map(|rows| &rows.segments);
    let is_served = rows.is_some() && open.clone().map(|s| &s.file).eq(&list.segments);
    if !is_served {
        let mut segments = Vec::new();
        for file in &list.segments {
            let known = open.clone().find(|segment| segment.file == *file);
            segments.push(match known {
                Some(segment) => segment.clone(),
                None => Segment::open(slot, file)?,
            });
        }
        serve(slot, &list, segments);
    }
    Ok(list)
}

fn serve(slot: &Slot, list: &SegmentList, segments: Vec<Segment>) {
    slot.serve(Rows {
        schema: list.schema.clone(),
        segments,
        count: list.rows,
    });
}

/// Writes rows durably. Returns their number.
///
/// # Errors
/// [`FeatureError::ReadOnly`]; [`FeatureError::Mismatch`]; [`FeatureError::File`].
pub(in crate::features::serving) fn write(
    slot: &Slot,
    rows: &[RecordBatch],
    now: i64,
) -> Result<u64, FeatureError> {
    let schema = writable(slot)?;
    let batches = rows.iter().map(|batch| conformed(&schema, batch));
    let batches = batches.collect::<Result<Vec<_>, _>>()?;
    let count: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if count == 0 {
        return Ok(0);
    }
    let _work = lock(&slot.work);
    let _busy = slot.begin();
    let _turn = slot.directory.turn()?;
    let mut list = refresh(slot)?;
    let segment = build(slot, &mut list, batches.into_iter().map(Ok), now)?;
    // Rows that cannot be read are not counted; the write is none of theirs.
    let replaced = rows_also_in(&served(slot), &segment.table).ok();
    let new = replaced.map(|count| segment.table.rows().saturating_sub(count));
    list.rows = list
        .rows
        .zip(new)
        .map(|(rows, new)| rows.saturating_add(new));
    list.segments.insert(0, segment.file.clone());
    commit(slot, &list, vec![segment], 0)?;
    if list.segments.len() > WRITTEN_SEGMENTS_MAX {
        // The rows are written whatever comes of this.
        let joined = join(slot, &mut list, run_to_join(slot), now);
        slot.note_failure(joined.err().map(|e| e.to_string()));
    }
    Ok(count as u64)
}

/// Joins all segments of a table.
///
/// # Errors
/// As [`write`].
pub(in crate::features::serving) fn compact(slot: &Slot, now: i64) -> Result<(), FeatureError> {
    writable(slot)?;
    let _work = lock(&slot.work);
    let _busy = slot.begin();
    let _turn = slot.directory.turn()?;
    let mut list = refresh(slot)?;
    let count = list.segments.len();
    join(slot, &mut list, count, now)
}

/// Returns the segments that are served.
fn served(slot: &Slot) -> Vec<Arc<FeatureTable>> {
    let rows = slot.rows();
    let segments = rows.iter().flat_map(|rows| &rows.segments);
    segments.map(|s| Arc::clone(&s.table)).collect()
}

fn writable(slot: &Slot) -> Result<crate::features::schema::TableSchema, FeatureError> {
    match slot.config.source {
        Some(_) => Err(FeatureError::ReadOnly(slot.config.name.clone())),
        None => slot.schema(None),
    }
}

/// Builds the next segment of a list.
fn build(
    slot: &Slot,
    list: &mut SegmentList,
    rows: impl Iterator<Item = Result<RecordBatch, FeatureError>>,
    now: i64,
) -> Result<Segment, FeatureError> {
    let file = list.next_name();
    let mut options = BuildOptions::new(&slot.config.key);
    options.parts = slot.config.parts;
    options.origin = Origin {
        table: slot.config.name.clone(),
        fingerprint: file.trim_end_matches(SEGMENT).to_owned(),
        loaded_at: now,
        ..Origin::default()
    };
    let path = slot.directory.file(&file);
    build_of_batches(&path, &list.schema, rows, &options, &NoProgress)?;
    Segment::open(slot, &file).inspect_err(|_| {
        let _ = std::fs::remove_file(&path);
    })
}

/// Saves a list that begins with new segments in place of a number of old ones, and serves it.
fn commit(
    slot: &Slot,
    list: &SegmentList,
    new: Vec<Segment>,
    replaced: usize,
) -> Result<(), FeatureError> {
    if let Err(e) = list.save(&slot.directory) {
        for segment in &new {
            let _ = std::fs::remove_file(slot.directory.file(&segment.file));
        }
        return Err(e);
    }
    let rows = slot.rows();
    let old = rows.iter().flat_map(|rows| &rows.segments);
    let segments = new.into_iter().chain(old.skip(replaced).cloned());
    serve(slot, list, segments.collect());
    Ok(())
}

/// Returns the number of the newest segments that are worth joining: rows are copied few times in their life, because
/// one that is large beside the newer ones stays.
fn run_to_join(slot: &Slot) -> usize {
    let rows = slot.rows();
    let mut segments = rows.iter().flat_map(|rows| &rows.segments);
    let mut sum = segments.next().map_or(0, |newest| newest.table.rows());
    let mut count = 1;
    for older in segments {
        let rows = older.table.rows();
        if count >= 2 && rows > sum.saturating_mul(APART) {
            break;
        }
        (sum, count) = (sum.saturating_add(rows), count + 1);
    }
    count
}

/// Joins a number of the newest segments.
fn join(slot: &Slot, list: &mut SegmentList, count: usize, now: i64) -> Result<(), FeatureError> {
    let rows = slot.rows();
    let newest = rows.iter().flat_map(|rows| &rows.segments).take(count);
    let newest: Vec<Segment> = newest.cloned().collect();
    if newest.len() < 2 {
        return Ok(());
    }
    // A later row replaces an earlier one of the same key.
    let tables = newest
        .iter()
        .rev()
        .map(|segment| Arc::clone(&segment.table));
    let joined = build(slot, list, rows_of(tables.collect()), now)?;
    list.segments.splice(..newest.len(), [joined.file.clone()]);
    if list.segments.len() == 1 {
        list.rows = Some(joined.table.rows());
    }
    commit(slot, list, vec![joined], newest.len())?;
    // Readers of the old files keep them until they are done.
    for segment in &newest {
        let _ = std::fs::remove_file(slot.directory.file(&segment.file));
    }
    Ok(())
}
