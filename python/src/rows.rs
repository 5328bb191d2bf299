//! Rows by their numbers, as JSON.

use alimentar::inspect::row_json;
use alimentar::inspect::table::Batch;
use alimentar::inspect::table::LongRow;
use alimentar::inspect::table::NextBatch;
use alimentar::inspect::table::Scratch;
use alimentar::inspect::table::Selection;
use alimentar::progress::Progress;
use alimentar::registry::Error;
use alimentar::registry::Target;

use crate::failure::Failure;

/// Rows that are read and dropped rather than jumped over.
const GAP_ROWS: u64 = 1024;

/// Reads rows by their numbers, which are in ascending order. Numbers of blank lines, and those behind the last row, have
/// no row.
pub(crate) fn read(
    target: &Target,
    numbers: &[u64],
    progress: &dyn Progress,
) -> Result<Vec<(u64, String)>, Failure> {
    let mut found = Vec::new();
    let mut left = numbers.iter().copied().peekable();
    let (mut batch, mut scratch) = (Batch::default(), Scratch::default());
    while let Some(&start) = left.peek() {
        let selection = Selection {
            from: start,
            nan: true,
            ..Selection::default()
        };
        let batches = target.batches(&selection)?;
        let mut first = start;
        loop {
            if progress.cancelled() {
                return Err(Error::Interrupted.into());
            }
            match batches.next(&mut batch).map_err(|e| target.blame(e))? {
                NextBatch::End(_) => return Ok(found),
                NextBatch::Batch(_) => {}
            }
            for row in batch.rows() {
                let number = first + row.index;
                while left.next_if(|wanted| *wanted < number).is_some() {}
                if left.peek().is_none() {
                    return Ok(found);
                }
                if left.next_if_eq(&number).is_none() {
                    continue;
                }
                let long = batch.long(&row).map(LongRow::read_all).transpose();
                let long = long.map_err(|e| target.blame(e))?;
                let text = long.as_deref().unwrap_or(row.text);
                found.push((number, row_json(batch.shape(), text, &mut scratch)));
            }
            first += batch.count();
            while left.next_if(|wanted| *wanted < first).is_some() {}
            match left.peek() {
                None => return Ok(found),
                Some(next) if next - first > GAP_ROWS => break,
                Some(_) => {}
            }
        }
    }
    Ok(found)
}
