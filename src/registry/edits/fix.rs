//! Mends of all rows of a target, as one edit for each rule.

use std::ops::ControlFlow;

use crate::inspect::edits::NewSplice;
use crate::inspect::edits::SpliceKind;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::mend::Mend;
use crate::inspect::lint::mend::Mended;
use crate::inspect::table::Batch;
use crate::inspect::table::Row;
use crate::inspect::table::Scan;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::locks::threads;
use crate::progress::Progress;
use crate::registry::edits::error::EditError;
use crate::registry::edits::session::EditSession;
use crate::registry::edits::session::entry_of;
use crate::registry::error::Error;
use crate::registry::targets::edited::EditForm;
use crate::registry::targets::file::TargetFile;
use crate::wire::limits::EDIT_RECORD_BYTES_MAX;

/// Result of a fix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FixReport {
    /// Rows that were mended, or removed.
    pub fixed: u64,
    /// Rows with a fault that has no certain mend.
    pub left: u64,
}

impl EditSession {
    /// Mends what a rule finds in all rows, as one edit.
    ///
    /// # Errors
    /// [`EditError::TooLong`], and errors of reading and writing. Then nothing is changed.
    pub fn fix(
        &mut self,
        (name, mend): (&str, Mend),
        progress: &dyn Progress,
    ) -> Result<FixReport, Error> {
        progress.phase("looking for faults", Some(self.target().size_bytes()));
        let mut report = FixReport::default();
        let mut files = Vec::new();
        for file in self.files() {
            if self.form(file)? == EditForm::Rows {
                let target = file.path().to_owned();
                let why = "rules mend texts; export it as JSON Lines first".to_owned();
                return Err(EditError::NotEditable { target, why }.into());
            }
            let (splices, more) = self.mended(file, mend, progress)?;
            report.fixed += more.fixed;
            report.left += more.left;
            files.push((file, splices));
        }
        if report.fixed > 0 {
            let edit = entry_of(format!("fix {name} in {} rows", report.fixed), files);
            self.append(
                |w| {
                    w.edits(std::slice::from_ref(&edit));
                },
                progress,
            )?;
        }
        Ok(report)
    }

    fn mended(
        &self,
        file: &TargetFile,
        mend: Mend,
        progress: &dyn Progress,
    ) -> Result<(Vec<NewSplice>, FixReport), Error> {
        let batches = file.batches(&Selection::default(), self.home());
        let batches = batches.map_err(|e| self.target().blame(e))?;
        let mut found = Found::default();
        let scan = Scan {
            batches: &*batches,
            threads: threads(),
            progress,
        };
        let done = scan.run(
            || (),
            |(), batch| Ok::<_, StopReason>(mends_of(batch, mend)),
            |part| {
                for mut splice in part.value.splices {
                    splice.row += part.first;
                    found.bytes += splice.text.len() + SPLICE_BYTES;
                    found.splices.push(splice);
                }
                found.left += part.value.left;
                found.newlines += part.value.newlines;
                if part.rows > 0 {
                    let last = part.value.last;
                    found.last = last.map(|(row, at, bytes)| (row + part.first, at, bytes));
                }
                match found.bytes > EDIT_RECORD_BYTES_MAX {
                    true => Err(StopReason::TooLong),
                    false => Ok(ControlFlow::Continue(())),
                }
            },
        );
        match done {
            Ok(()) => {}
            Err(StopReason::Rows(e)) => return Err(self.target().blame(e)),
            Err(StopReason::TooLong) => return Err(too_long()),
        }
        let mut splices = found.splices;
        match mend {
            Mend::Rule(RuleId::MixedLineEnds) if found.newlines == 0 => splices.clear(),
            Mend::Rule(RuleId::MissingFinalNewline) => {
                let is_end = |(_, at, bytes): &(u64, u64, u64)| at + bytes == file.size_bytes();
                let open = found.last.filter(is_end);
                let end = open.map(|(row, at, bytes)| NewSplice::end_row(row, at, bytes, b"\n"));
                splices.extend(end);
            }
            _ => {}
        }
        let report = FixReport {
            fixed: splices.len() as u64,
            left: found.left,
        };
        Ok((splices, report))
    }
}

/// Bytes of a splice without its text, at most.
const SPLICE_BYTES: usize = 24;

enum StopReason {
    Rows(TableError),
    TooLong,
}

impl From<TableError> for StopReason {
    fn from(error: TableError) -> Self {
        Self::Rows(error)
    }
}

fn too_long() -> Error {
    EditError::TooLong {
        what: "the edits of one command",
        limit: EDIT_RECORD_BYTES_MAX as u64,
        name: "edit_record_bytes_max",
    }
    .into()
}

/// Mends found so far.
#[derive(Default)]
struct Found {
    splices: Vec<NewSplice>,
    bytes: usize,
    left: u64,
    /// Rows that end with a newline alone.
    newlines: u64,
    /// The last row without a line end: its number, offset and length.
    last: Option<(u64, u64, u64)>,
}

/// Mends of one batch. Rows are numbered from its first.
struct BatchMends {
    splices: Vec<NewSplice>,
    left: u64,
    newlines: u64,
    last: Option<(u64, u64, u64)>,
}

fn mends_of(batch: &Batch, mend: Mend) -> BatchMends {
    let mut made = BatchMends {
        splices: Vec::new(),
        left: 0,
        newlines: 0,
        last: None,
    };
    for row in batch.rows_and_blanks() {
        if batch.long(&row).is_some() {
            // The scan did not read the row after the cut.
            made.left += 1;
            continue;
        }
        let end = end_of(batch, &row);
        let at = batch.offset() + row.at as u64;
        match mend {
            Mend::Rule(RuleId::BlankLine) => {
                if *batch.shape() == Shape::Json && row.text.trim_ascii().is_empty() {
                    let bytes = (row.text.len() + end.len()) as u64;
                    made.splices
                        .push(NewSplice::delete((row.index, 1), at, bytes));
                }
            }
            Mend::Rule(RuleId::MissingFinalNewline) => {
                let open = (row.index, at, row.text.len() as u64);
                made.last = end.is_empty().then_some(open);
            }
            Mend::Rule(RuleId::MixedLineEnds) => {
                made.newlines += u64::from(end == b"\n");
                made.splices.extend((end == b"\r\n").then(|| NewSplice {
                    kind: SpliceKind::End,
                    row: row.index,
                    rows: 1,
                    at,
                    bytes: row.text.len() as u64 + 2,
                    keep_front: row.text.len() as u64,
                    keep_back: 1,
                    text: Vec::new(),
                }));
            }
            _ => match mend.row(batch.shape(), row.text) {
                Mended::Sound => {}
                Mended::Left => made.left += 1,
                Mended::New(text, is_left) => {
                    made.left += u64::from(is_left);
                    let whole = |text: &[u8]| [text, end].concat();
                    let (old, new) = (whole(row.text), whole(&text));
                    made.splices
                        .push(NewSplice::change((row.index, 1), at, &old, &new));
                }
            },
        }
    }
    made
}

/// Returns the line end of a row.
fn end_of<'a>(batch: &'a Batch, row: &Row<'_>) -> &'a [u8] {
    let rest = batch
        .text()
        .get(row.at + row.text.len()..)
        .unwrap_or_default();
    match rest {
        [b'\r', b'\n', ..] => rest.get(..2).unwrap_or_default(),
        [b'\r' | b'\n', ..] => rest.get(..1).unwrap_or_default(),
        _ => &[],
    }
}
