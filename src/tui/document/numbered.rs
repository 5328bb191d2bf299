//! Rows that have numbers only: columnar files, JSON arrays, compressed text.

use crate::inspect::table::Batch;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Selection;
use crate::registry::Target;
use crate::tui::document::CancelToken;
use crate::tui::document::DocumentError;
use crate::tui::document::lines::PageRoom;
use crate::tui::document::lines::RawRow;

/// Reads rows from a number on, up to `end`. `file` is a target with one file.
pub(super) fn forward(
    file: &Target,
    (from, end): (u64, u64),
    room: PageRoom,
    cancel: &CancelToken,
) -> Result<Vec<RawRow>, DocumentError> {
    let selection = Selection {
        from,
        nan: true,
        ..Selection::default()
    };
    let batches = file.batches(&selection)?;
    let (mut batch, mut rows) = (Batch::default(), Vec::new());
    let (mut number, mut held) = (from, 0);
    while number < end {
        cancel.check()?;
        if let NextBatch::End(_) = batches.next(&mut batch)? {
            break;
        }
        for row in batch.rows_and_blanks() {
            let kept = row.text.len().min(room.row_bytes);
            held += kept;
            rows.push(RawRow {
                key: number,
                next: number + 1,
                text: row.text.get(..kept).unwrap_or_default().to_vec(),
                bytes: row.text.len() as u64,
            });
            number += 1;
            if rows.len() >= room.rows || held >= room.bytes || number >= end {
                return Ok(rows);
            }
        }
    }
    Ok(rows)
}
