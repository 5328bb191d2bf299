//! Selection of the rows of a batch that a copy writes.

use crate::inspect::output::PushError;
use crate::inspect::output::Refusal;
use crate::inspect::output::RowCheck;
use crate::inspect::table::Batch;
use crate::inspect::table::LongRow;
use crate::inspect::table::Row;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::registry::targets::column_plan::whole;

/// Assignment of rows to files.
pub enum RowAssignment<'a> {
    /// All rows go into the first file.
    All,
    /// The row's content gives the file number, or `None` to drop the row.
    Content(&'a (dyn Fn(&Batch, &Row<'_>, &mut Scratch) -> Option<usize> + Sync)),
    /// The row's number decides first, and its content if that gives no result.
    Both(
        &'a (dyn Fn(&Batch, &Row<'_>, &mut Scratch) -> usize + Sync),
        &'a (dyn Fn(u64) -> Option<usize> + Sync),
    ),
    /// The row's number gives the file number, or `None` to drop the row.
    Number(&'a (dyn Fn(u64) -> Option<usize> + Sync)),
}

impl RowAssignment<'_> {
    /// Returns true if the text of rows is needed.
    pub fn needs_text(&self) -> bool {
        matches!(self, Self::Content(_) | Self::Both(..))
    }

    pub(super) fn by_content(
        &self,
        batch: &Batch,
        row: &Row<'_>,
        scratch: &mut Scratch,
    ) -> Option<usize> {
        match self {
            Self::Content(which) => which(batch, row, scratch),
            Self::Both(which, _) => Some(which(batch, row, scratch)),
            // The number decides later, once it is known.
            Self::All | Self::Number(_) => Some(0),
        }
    }

    pub(super) fn by_number(&self, number: u64, file: usize) -> Option<usize> {
        match self {
            Self::All | Self::Content(_) => Some(file),
            Self::Both(_, which) => which(number).or(Some(file)),
            Self::Number(which) => which(number),
        }
    }
}

/// Selection of the rows of a batch.
pub(super) struct BatchSelection<'a> {
    pub(super) picks: &'a RowAssignment<'a>,
    pub(super) check: &'a RowCheck,
    /// True if the cells of some row may prevent writing it.
    pub(super) needs_look: bool,
    /// True if long rows of these shapes are copied without reading them into memory.
    pub(super) copies_json: bool,
    pub(super) copies_text: bool,
}

/// Selected rows of a batch.
pub(super) struct SelectedRows {
    pub(super) text: Vec<u8>,
    pub(super) shape: Shape,
    pub(super) rows: Vec<SelectedRow>,
    /// Number of lines, if the text is written unchanged into the first file.
    pub(super) lines: u64,
    /// Number of rows filtered out.
    pub(super) passed: u64,
}

pub(super) struct SelectedRow {
    /// Number of the row in the batch.
    pub(super) index: u64,
    pub(super) file: usize,
    pub(super) what: RowOutput,
}

pub(super) enum RowOutput {
    /// The row's range in the text.
    Text(usize, usize),
    /// A row that is copied from its file.
    Long(LongRow),
    /// A row that cannot be written.
    Refused(Refusal, Vec<u8>),
}

impl SelectedRows {
    fn none(batch: &Batch) -> Self {
        Self {
            text: Vec::new(),
            shape: batch.shape().clone(),
            rows: Vec::new(),
            lines: 0,
            passed: 0,
        }
    }

    /// Adds the lines for the first file, without carriage returns at their ends; false if a row is
    /// for another file.
    fn add_selected(
        &mut self,
        batch: &Batch,
        mut which: impl FnMut(&Row<'_>) -> Option<usize>,
    ) -> bool {
        // Lines that follow each other are copied together.
        let (mut from, mut to) = (0, 0);
        for row in batch.rows() {
            match which(&row) {
                Some(0) => {
                    if row.at != to {
                        self.add_lines(batch, from, to);
                        from = row.at;
                    }
                    to = row.at + row.text.len() + 1;
                    self.lines += 1;
                }
                Some(_) => return false,
                None => self.passed += 1,
            }
        }
        self.add_lines(batch, from, to);
        true
    }

    /// Adds a part of a batch. The last line of a file may lack its newline.
    fn add_lines(&mut self, batch: &Batch, from: usize, to: usize) {
        let text = batch.text();
        let lines = text.get(from..to.min(text.len())).unwrap_or_default();
        if self.text.is_empty() {
            self.text.reserve(text.len() + 1);
        }
        self.text.extend_from_slice(lines);
        if !lines.is_empty() && !lines.ends_with(b"\n") {
            self.text.push(b'\n');
        }
    }
}

impl BatchSelection<'_> {
    /// Selects the rows of a batch.
    ///
    /// # Errors
    /// Errors of reading long rows.
    pub(super) fn batch(
        &self,
        batch: &Batch,
        scratch: &mut Scratch,
    ) -> Result<SelectedRows, TableError> {
        if let Some(copied) = self.lines(batch, scratch) {
            return Ok(copied);
        }
        let mut picked = SelectedRows::none(batch);
        for row in batch.rows() {
            let (index, long) = (row.index, batch.long(&row));
            let copies = match batch.shape() {
                Shape::Json => self.copies_json,
                Shape::Text => self.copies_text,
                Shape::Delimited(_) => false,
            };
            if let (Some(long), true, false) = (long, copies, self.picks.needs_text()) {
                let what = RowOutput::Long(long.clone());
                picked.rows.push(SelectedRow {
                    index,
                    file: 0,
                    what,
                });
                continue;
            }
            let text = match whole(batch, &row) {
                Ok(text) => text,
                Err(PushError::Read(error)) => return Err(error),
                Err(PushError::Refused(refusal)) => {
                    let what = RowOutput::Refused(refusal, Vec::new());
                    picked.rows.push(SelectedRow {
                        index,
                        file: 0,
                        what,
                    });
                    continue;
                }
                Err(PushError::Write(error)) => return Err(error.into()),
            };
            let seen = Row { text: &text, ..row };
            let Some(file) = self.picks.by_content(batch, &seen, scratch) else {
                picked.passed += 1;
                continue;
            };
            let what = match (long, copies) {
                (Some(long), true) => RowOutput::Long(long.clone()),
                _ => self.what(batch.shape(), &text, &mut picked.text, scratch),
            };
            picked.rows.push(SelectedRow { index, file, what });
        }
        Ok(picked)
    }

    /// Copies the selected lines of a batch; `None` if some may be written otherwise than unchanged
    /// into the first file.
    fn lines(&self, batch: &Batch, scratch: &mut Scratch) -> Option<SelectedRows> {
        let is_plain = self.copies_json
            && !self.needs_look
            && *batch.shape() == Shape::Json
            && batch.is_lines()
            && batch.truncated() == 0;
        if !is_plain {
            return None;
        }
        let mut picked = SelectedRows::none(batch);
        let is_whole = match self.picks {
            // Blank lines are no rows, and are not written.
            RowAssignment::All if batch.count_rows() == batch.count() => {
                picked.lines = batch.count();
                picked.add_lines(batch, 0, batch.text().len());
                true
            }
            RowAssignment::All => picked.add_selected(batch, |_| Some(0)),
            RowAssignment::Content(which) => {
                picked.add_selected(batch, |row| which(batch, row, scratch))
            }
            RowAssignment::Both(..) | RowAssignment::Number(_) => false,
        };
        (is_whole && self.check.can_copy_lines(&picked.text)).then_some(picked)
    }

    fn what(
        &self,
        shape: &Shape,
        row: &[u8],
        all: &mut Vec<u8>,
        scratch: &mut Scratch,
    ) -> RowOutput {
        let refused = |refusal| {
            let most = row.len().min(REFUSED_BYTES);
            RowOutput::Refused(refusal, row.get(..most).unwrap_or_default().to_vec())
        };
        let text = match self.check.prepare(shape, row) {
            Ok(text) => text,
            Err(refusal) => return refused(refusal),
        };
        if self.needs_look
            && let Err(refusal) = self.check.check_cells(shape, &text, scratch)
        {
            return refused(refusal);
        }
        let from = all.len();
        all.extend_from_slice(&text);
        RowOutput::Text(from, all.len())
    }
}

/// Maximum number of bytes kept of a row that cannot be written.
const REFUSED_BYTES: usize = 1 << 20;
