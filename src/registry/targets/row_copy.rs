//! Copies rows of a target into files. Every row is written, filtered out, or refused with an
//! error.

use std::ops::ControlFlow;

use arrow_array::RecordBatch;
use arrow_array::UInt64Array;
use arrow_schema::SchemaRef;
use arrow_select::take::take_record_batch;

use crate::inspect::output::OutputPlan;
use crate::inspect::output::PushError;
use crate::inspect::output::Refusal;
use crate::inspect::output::RowCheck;
use crate::inspect::output::conform;
use crate::inspect::table::Scan;
use crate::inspect::table::ScannedBatch;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::registry::RowFiles;
use crate::registry::Target;
use crate::registry::error::Error;
use crate::registry::error::target::TargetError;
use crate::registry::targets::row_selection::BatchSelection;
use crate::registry::targets::row_selection::RowAssignment;
use crate::registry::targets::row_selection::RowOutput;
use crate::registry::targets::row_selection::SelectedRows;
use crate::registry::targets::row_writer::of_push;

/// Row counts of a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopyReport {
    /// Rows that were read.
    pub rows_in: u64,
    /// Rows that were written.
    pub rows_out: u64,
    /// Rows that were selected and could not be written.
    pub refused: u64,
}

/// A selected row that could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    /// The row's number.
    pub row: u64,
    /// The cause.
    pub refusal: Refusal,
    /// The row's text, possibly truncated.
    pub text: Vec<u8>,
}

/// Receives rows that cannot be written.
pub type TakeRefused<'a> = dyn FnMut(&RefusedRow) -> Result<(), Error> + Send + 'a;

/// Parameters of a copy.
pub struct RowCopy<'a> {
    /// Assignment of rows to files.
    pub picks: &'a RowAssignment<'a>,
    /// Check of each row.
    pub check: &'a RowCheck,
    /// Columns of the rows.
    pub plan: &'a OutputPlan,
    /// Takes rows that cannot be written; without it, the first of them is an error.
    pub refused: Option<&'a mut TakeRefused<'a>>,
}

impl RowFiles {
    /// Writes rows of a scan in order.
    ///
    /// # Errors
    /// Read errors as [`Target::blame`] returns them, write errors, and [`TargetError::RowRefused`].
    pub fn fill(
        &mut self,
        scan: &Scan<'_>,
        target: &Target,
        moving: &mut RowCopy<'_>,
    ) -> Result<CopyReport, Error> {
        let mut moved = CopyReport::default();
        let (picks, check, plan) = (moving.picks, moving.check, moving.plan);
        let needs_look = plan.has_refusals();
        let mut copies = |shape: &Shape| {
            self.writer(0)
                .is_some_and(|(_, writer)| writer.can_copy(shape, plan))
        };
        let copies_json = copies(&Shape::Json);
        let copies_text = copies(&Shape::Text);
        let picking = BatchSelection {
            picks,
            check,
            needs_look,
            copies_json,
            copies_text,
        };
        let done = scan.run::<_, _, StopReason>(
            Scratch::default,
            |scratch, batch| Ok(picking.batch(batch, scratch)?),
            |made| {
                self.put(made, target, moving, &mut moved)?;
                Ok(ControlFlow::Continue(()))
            },
        );
        match done {
            Ok(()) => Ok(moved),
            Err(StopReason::Rows(e)) => Err(target.blame(e)),
            Err(StopReason::Write(e)) => Err(e),
        }
    }

    fn put(
        &mut self,
        made: ScannedBatch<SelectedRows>,
        target: &Target,
        moving: &mut RowCopy<'_>,
        moved: &mut CopyReport,
    ) -> Result<(), StopReason> {
        let picked = made.value;
        moved.rows_in += picked.rows.len() as u64 + picked.passed + picked.lines;
        if picked.lines > 0
            && let Some((path, writer)) = self.writer(0)
        {
            let pushed = writer.push_lines(&picked.text, picked.lines);
            pushed.map_err(|error| StopReason::Write(of_push(path, error)))?;
            moved.rows_out += picked.lines;
        }
        for row in picked.rows {
            let number = made.first + row.index;
            let Some(file) = moving.picks.by_number(number, row.file) else {
                continue;
            };
            let Some((path, writer)) = self.writer(file) else {
                continue;
            };
            let (refusal, text) = match row.what {
                RowOutput::Text(from, to) => {
                    let text = picked.text.get(from..to).unwrap_or_default();
                    match writer.push(&picked.shape, text) {
                        Ok(()) => {
                            moved.rows_out += 1;
                            continue;
                        }
                        Err(PushError::Refused(refusal)) => (refusal, text.to_vec()),
                        Err(PushError::Read(error)) => return Err(StopReason::Rows(error)),
                        Err(error) => return Err(StopReason::Write(of_push(path, error))),
                    }
                }
                RowOutput::Long(long) => match writer.push_long(&long) {
                    Ok(()) => {
                        moved.rows_out += 1;
                        continue;
                    }
                    Err(PushError::Read(error)) => return Err(StopReason::Rows(error)),
                    Err(error) => return Err(StopReason::Write(of_push(path, error))),
                },
                RowOutput::Refused(refusal, text) => (refusal, text),
            };
            let Some(take) = &mut moving.refused else {
                return Err(StopReason::Write(Error::Target(TargetError::RowRefused {
                    target: target.name().to_owned(),
                    row: number,
                    refusal,
                })));
            };
            moved.refused += 1;
            let refused = RefusedRow {
                row: number,
                refusal,
                text,
            };
            take(&refused).map_err(StopReason::Write)?;
        }
        Ok(())
    }

    /// Writes rows of a scan of decoded columns, converted to `schema`.
    ///
    /// # Errors
    /// As [`fill`](Self::fill).
    pub fn fill_decoded(
        &mut self,
        scan: &Scan<'_>,
        target: &Target,
        picks: &RowAssignment<'_>,
        schema: &SchemaRef,
    ) -> Result<CopyReport, Error> {
        let mut moved = CopyReport::default();
        let done = scan.run::<_, _, StopReason>(
            Scratch::default,
            |scratch, batch| {
                let rows = batch.rows();
                let rows = rows.filter_map(|row| {
                    let file = picks.by_content(batch, &row, scratch)?;
                    Some((row.index, file))
                });
                let rows: Vec<(u64, usize)> = rows.collect();
                let decoded = batch.decoded().ok_or_else(not_columnar)?;
                let decoded = conform(decoded, schema).map_err(damaged)?;
                Ok((rows, decoded))
            },
            |made| {
                let (rows, decoded) = made.value;
                moved.rows_in += made.rows;
                let mut files: Vec<Vec<u64>> = Vec::new();
                for (index, file) in rows {
                    let Some(file) = picks.by_number(made.first + index, file) else {
                        continue;
                    };
                    if files.len() <= file {
                        files.resize(file + 1, Vec::new());
                    }
                    if let Some(file) = files.get_mut(file) {
                        file.push(index);
                    }
                }
                for (file, rows) in files.into_iter().enumerate() {
                    moved.rows_out += self.push_decoded(file, rows, &decoded)?;
                }
                Ok(ControlFlow::Continue(()))
            },
        );
        match done {
            Ok(()) => Ok(moved),
            Err(StopReason::Rows(e)) => Err(target.blame(e)),
            Err(StopReason::Write(e)) => Err(e),
        }
    }

    fn push_decoded(
        &mut self,
        file: usize,
        rows: Vec<u64>,
        decoded: &RecordBatch,
    ) -> Result<u64, StopReason> {
        let count = rows.len() as u64;
        let Some((path, writer)) = self.writer(file).filter(|_| count > 0) else {
            return Ok(0);
        };
        let pushed = match rows.len() == decoded.num_rows() {
            true => writer.push_decoded(decoded),
            false => {
                let taken = take_record_batch(decoded, &UInt64Array::from(rows));
                writer.push_decoded(&taken.map_err(damaged)?)
            }
        };
        match pushed {
            Ok(()) => Ok(count),
            Err(error) => Err(StopReason::Write(of_push(path, error))),
        }
    }
}

fn not_columnar() -> TableError {
    TableError::Unsupported("it is not columnar".to_owned())
}

fn damaged(error: arrow_schema::ArrowError) -> TableError {
    TableError::Damaged(error.to_string())
}

enum StopReason {
    Rows(TableError),
    Write(Error),
}

impl From<TableError> for StopReason {
    fn from(error: TableError) -> Self {
        Self::Rows(error)
    }
}
