//! Rows of one file by number, with their offsets.

use std::path::Path;

use crate::inspect::table::Batch;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::error::Error;
use crate::registry::targets::file::TargetFile;
use crate::registry::targets::file::is_lines;

/// Distance in rows from which on a file of lines is opened again at the next row.
const JUMP_ROWS: u64 = 4096;

/// A row of a file.
pub(crate) struct FoundRow<'a> {
    /// Its number in the file.
    pub(crate) number: u64,
    /// Offset of its text in the file.
    pub(crate) at: u64,
    /// Its text, without the line end.
    pub(crate) text: &'a [u8],
    /// True if the text is cut at `ROW_BYTES_MAX`.
    pub(crate) is_cut: bool,
}

/// Passes the rows with these numbers, in ascending order, to `each`. Returns how many of them there
/// are.
///
/// # Errors
/// Errors of reading, and errors of `each`.
pub(crate) fn each_row(
    (file, home): (&TargetFile, &Path),
    wanted: &[u64],
    progress: &dyn Progress,
    each: &mut dyn FnMut(FoundRow<'_>) -> Result<(), Error>,
) -> Result<usize, Error> {
    let fail = |source| match source {
        TableError::Interrupted => Error::Interrupted,
        source => Error::Rows {
            target: file.path().to_owned(),
            source,
        },
    };
    let can_jump = is_lines(&file.opened()?);
    let (mut next, mut batch) = (0, Batch::default());
    'open: while let Some(from) = wanted.get(next).copied() {
        let selection = Selection {
            from,
            ..Selection::default()
        };
        let batches = file.batches(&selection, home).map_err(fail)?;
        let mut first = from;
        loop {
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            if let NextBatch::End(_) = batches.next(&mut batch).map_err(fail)? {
                return Ok(next);
            }
            let end = first + batch.count();
            if wanted.get(next).is_some_and(|row| *row < end) {
                for row in batch.rows_and_blanks() {
                    let number = first + row.index;
                    if wanted.get(next) != Some(&number) {
                        continue;
                    }
                    next += 1;
                    each(FoundRow {
                        number,
                        at: batch.offset() + row.at as u64,
                        text: row.text,
                        is_cut: batch.long(&row).is_some(),
                    })?;
                }
            }
            first = end;
            match wanted.get(next) {
                None => return Ok(next),
                Some(row) if can_jump && *row > first + JUMP_ROWS => continue 'open,
                Some(_) => {}
            }
        }
    }
    Ok(next)
}

/// Returns the line end at an offset: a newline, a carriage return and a newline, or a carriage
/// return; empty at the end of the file.
///
/// # Errors
/// Errors of reading.
pub(crate) fn line_end(file: &TargetFile, source: &dyn ReadAt, at: u64) -> Result<Vec<u8>, Error> {
    let mut ends = [0; 2];
    let mut filled = 0;
    while let Some(rest) = ends.get_mut(filled..).filter(|r| !r.is_empty()) {
        match source.read_at(rest, at + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::file("read", file.path(), e)),
        }
    }
    Ok(match ends.get(..filled) {
        Some(b"\r\n") => b"\r\n".to_vec(),
        Some([b'\n', ..]) => b"\n".to_vec(),
        Some([b'\r', ..]) => b"\r".to_vec(),
        _ => Vec::new(),
    })
}
