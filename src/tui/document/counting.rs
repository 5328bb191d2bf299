//! Counting of rows, which leaves landmarks, and rows by their numbers.

use crate::inspect::table::Shape;
use crate::progress::Progress;
use crate::registry::TextFile;
use crate::tui::document::CancelToken;
use crate::tui::document::Document;
use crate::tui::document::DocumentError;
use crate::tui::document::RowPlace;
use crate::tui::document::files::FileRows;
use crate::tui::document::lines;
use crate::tui::document::lines::PageRoom;
use crate::tui::document::records;
use crate::tui::limits::BLOCK_BYTES;

/// Receiver of the number of bytes that are done.
pub(in crate::tui) type Done<'a> = &'a (dyn Fn(u64) + Sync);

/// The progress of a pass of the engine, for a job of the viewer.
pub(in crate::tui) struct JobProgress<'a> {
    pub cancel: &'a CancelToken,
    pub done: Done<'a>,
}

impl Progress for JobProgress<'_> {
    fn advance(&self, bytes: u64) {
        (self.done)(bytes);
    }

    fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

impl Document {
    /// Counts all rows.
    pub(in crate::tui) fn count(
        &self,
        cancel: &CancelToken,
        done: Done<'_>,
    ) -> Result<u64, DocumentError> {
        let mut rows = 0;
        for file in 0..u32::try_from(self.file_count()).unwrap_or(u32::MAX) {
            rows += self.count_file(file, cancel, done)?;
        }
        Ok(rows)
    }

    /// Counts the rows of a file.
    pub(super) fn count_file(
        &self,
        number: u32,
        cancel: &CancelToken,
        done: Done<'_>,
    ) -> Result<u64, DocumentError> {
        let file = self.file(number)?;
        if let Some(rows) = file.rows() {
            return Ok(rows);
        }
        let Some(source) = &file.source else {
            let progress = JobProgress { cancel, done };
            let rows = file.target.count(&progress)?;
            file.set_rows(rows);
            return Ok(rows);
        };
        let size = source.len();
        match &file.layout.shape {
            Shape::Delimited(_) => count_records(&file, size, cancel, done),
            _ => {
                let entry = self.target().files().get(number as usize);
                match entry.and_then(|entry| entry.disk_path()) {
                    Some(path) => {
                        let mut text = TextFile::open(path, self.home())?;
                        let rows = text.count(&JobProgress { cancel, done })?;
                        let mut marks = file.landmarks();
                        for (offset, newlines) in text.index().landmarks() {
                            marks.add(offset, newlines);
                        }
                        marks.finish(text.size_bytes(), rows);
                        Ok(rows)
                    }
                    None => count_lines(&file, size, cancel, done),
                }
            }
        }
    }

    /// Returns the place of a row by its number; `None` if there are fewer rows.
    pub(in crate::tui) fn find(
        &self,
        row: u64,
        cancel: &CancelToken,
        done: Done<'_>,
    ) -> Result<Option<RowPlace>, DocumentError> {
        let mut left = row;
        let last = u32::try_from(self.file_count().saturating_sub(1)).unwrap_or(u32::MAX);
        for number in 0..=last {
            if number < last {
                let rows = self.count_file(number, cancel, done)?;
                if left >= rows {
                    left -= rows;
                    continue;
                }
            }
            let key = self.file(number)?.key_of(left, cancel)?;
            return Ok(key.map(|key| RowPlace { file: number, key }));
        }
        Ok(None)
    }
}

impl FileRows {
    /// Returns the key of a row by its number in the file.
    fn key_of(&self, row: u64, cancel: &CancelToken) -> Result<Option<u64>, DocumentError> {
        let Some(source) = &self.source else {
            let room = PageRoom {
                rows: 1,
                row_bytes: 0,
                bytes: usize::MAX,
                scan: u64::MAX,
            };
            let read = self.forward((row, None), room, cancel)?;
            return Ok(read.first().map(|read| read.key));
        };
        let (offset, rows) = self.landmarks().before_row(row);
        let range = (offset.max(self.front), source.len());
        let left = row - rows;
        let source = &**source;
        let found = match &self.layout.shape {
            Shape::Delimited(header) => {
                records::skip_records(source, header, range, left, cancel, &mut |_, _| {})?.ok()
            }
            // A landmark may stand inside of the line.
            _ if left == 0 && offset > self.front => Some(lines::start_before(
                source,
                (self.front, offset + 1),
                1,
                cancel,
            )?),
            _ => lines::skip_lines(source, range, left, cancel)?,
        };
        Ok(found.filter(|key| *key < range.1))
    }
}

fn count_lines(
    file: &FileRows,
    size: u64,
    cancel: &CancelToken,
    done: Done<'_>,
) -> Result<u64, DocumentError> {
    let Some(source) = &file.source else {
        return Ok(0);
    };
    let (mut at, mut rows) = file.landmarks().last();
    at = at.max(file.front);
    let step = 16 * BLOCK_BYTES as u64;
    while at < size {
        let to = (at + step).min(size);
        rows += lines::newlines(&**source, (at, to), cancel)?;
        done(to - at);
        at = to;
        file.landmarks().add(at, rows);
    }
    let mut last = [b'\n'];
    if size > file.front {
        source.read_at(&mut last, size - 1)?;
    }
    let rows = rows + u64::from(last != [b'\n']);
    file.landmarks().finish(size, rows);
    Ok(rows)
}

fn count_records(
    file: &FileRows,
    size: u64,
    cancel: &CancelToken,
    done: Done<'_>,
) -> Result<u64, DocumentError> {
    let (Some(source), Shape::Delimited(header)) = (&file.source, &file.layout.shape) else {
        return Ok(0);
    };
    let (offset, before) = file.landmarks().last();
    let from = offset.max(file.front);
    let mut told = from;
    let passed = records::skip_records(
        &**source,
        header,
        (from, size),
        u64::MAX,
        cancel,
        &mut |at, passed| {
            file.landmarks().add(at, before + passed);
            done(at - told);
            told = at;
        },
    )?;
    let rows = before + passed.unwrap_or_else(|passed| passed);
    file.landmarks().finish(size, rows);
    Ok(rows)
}
