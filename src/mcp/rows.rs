//! Reads rows of a target for an answer.

use serde_json::Map;

use crate::inspect::line_index::LinePart;
use crate::inspect::lint::mask_secrets;
use crate::inspect::row_json;
use crate::inspect::table::Batch;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Scratch;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::locks::lock;
use crate::mcp::answer::Row;
use crate::mcp::error::ToolError;
use crate::mcp::fields::Cut;
use crate::mcp::fields::rewrite;
use crate::mcp::fields::rewrite_plain;
use crate::mcp::limits::ANSWER_CHARS_MAX;
use crate::mcp::work::Work;
use crate::mcp::workspace::OpenTarget;
use crate::mcp::workspace::Workspace;
use crate::progress::Progress;
use crate::registry::Error;

/// Characters of all rows of an answer while they are collected. More never fits.
const COLLECTED_CHARS: usize = 32 * ANSWER_CHARS_MAX;

/// A row as it is in the target.
pub(crate) struct RawRow {
    pub(crate) n: u64,
    /// The text, up to a limit.
    pub(crate) text: String,
    /// Bytes of the whole row.
    pub(crate) bytes: u64,
}

/// Rows as they are in the target, and the number of the next one.
#[derive(Default)]
pub(crate) struct RawRows {
    pub(crate) rows: Vec<RawRow>,
    pub(crate) next: Option<u64>,
}

/// Reads rows from a number on. Each is cut at `bytes_max`.
///
/// # Errors
/// [`ToolError`] when the target cannot be read, or the call is cancelled.
pub(crate) fn read_rows(
    open: &OpenTarget,
    start: u64,
    count: u64,
    bytes_max: usize,
    work: &Work,
) -> Result<RawRows, ToolError> {
    if count == 0 {
        return Ok(RawRows::default());
    }
    match &open.lines {
        Some(_) => read_lines(open, start, count, bytes_max, work),
        None => read_batches(open, start, count, bytes_max, work),
    }
}

fn read_lines(
    open: &OpenTarget,
    start: u64,
    count: u64,
    bytes_max: usize,
    work: &Work,
) -> Result<RawRows, ToolError> {
    let Some(lines) = &open.lines else {
        return Ok(RawRows::default());
    };
    let mut file = lock(lines);
    let Some(offset) = file.start_of(start, work)? else {
        return Ok(RawRows::default());
    };
    let mut found = RawRows::default();
    let (mut text, mut chars) = (Vec::new(), 0);
    let read = file.lines((start, offset), count.saturating_add(1), &mut |part| {
        if work.cancelled() {
            return Err(Error::Interrupted);
        }
        match part {
            LinePart::Text(bytes) => {
                let room = bytes_max.saturating_sub(text.len());
                text.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
            }
            LinePart::End(line) => {
                if found.rows.len() as u64 == count || chars > COLLECTED_CHARS {
                    found.next = Some(line.number);
                    return Err(Error::Interrupted);
                }
                chars += text.len();
                found.rows.push(RawRow {
                    n: line.number,
                    text: String::from_utf8_lossy(&text).into_owned(),
                    bytes: line.bytes,
                });
                text.clear();
            }
        }
        Ok(())
    });
    match read {
        // The last line of the answer ends the reading.
        Err(Error::Interrupted) if found.next.is_some() && !work.cancelled() => Ok(found),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(found),
    }
}

fn read_batches(
    open: &OpenTarget,
    start: u64,
    count: u64,
    bytes_max: usize,
    work: &Work,
) -> Result<RawRows, ToolError> {
    let selection = Selection {
        from: start,
        ..Selection::default()
    };
    let target = &open.target;
    let batches = target.batches(&selection)?;
    let (mut batch, mut scratch) = (Batch::default(), Scratch::default());
    let (mut found, mut number, mut chars) = (RawRows::default(), start, 0);
    loop {
        if work.cancelled() {
            return Err(Error::Interrupted.into());
        }
        match batches.next(&mut batch).map_err(|e| target.blame(e))? {
            NextBatch::End(_) => return Ok(found),
            NextBatch::Batch(_) => {}
        }
        for row in batch.rows_and_blanks() {
            if found.rows.len() as u64 == count || chars > COLLECTED_CHARS {
                found.next = Some(number);
                return Ok(found);
            }
            let bytes = row
                .text
                .get(..bytes_max.min(row.text.len()))
                .unwrap_or_default();
            let text = match batch.shape() {
                Shape::Delimited(_) if bytes.len() == row.text.len() => {
                    row_json(batch.shape(), bytes, &mut scratch)
                }
                _ => String::from_utf8_lossy(bytes).into_owned(),
            };
            chars += text.len();
            found.rows.push(RawRow {
                n: number,
                text,
                bytes: row.text.len() as u64,
            });
            number += 1;
        }
    }
}

/// Makes a row of an answer: secrets are masked, and strings that fit no answer are shortened.
pub(crate) fn answer_row(workspace: &Workspace, row: RawRow, position: u64) -> Row {
    let shows = workspace.options.show_secrets;
    let mask = |text: &str| if shows { None } else { mask_secrets(text) };
    let (mut text, mut cuts) = rewrite(&row.text, ANSWER_CHARS_MAX, &mask);
    if text.chars().count() > 4 * ANSWER_CHARS_MAX {
        // Very many short fields.
        (text, cuts) = rewrite_plain(&text, ANSWER_CHARS_MAX, &|_| None);
    }
    if row.bytes > row.text.len() as u64 && cuts.is_empty() {
        cuts.push(Cut {
            field: String::new(),
            chars: row.bytes,
        });
    }
    Row {
        n: row.n,
        position,
        text,
        cuts,
        extra: Map::new(),
    }
}
