//! Rows of a target into files: every row that is looked at is written, left out by what was asked
//! for, or refused by name.

use std::ops::ControlFlow;

use arrow_array::RecordBatch;
use arrow_array::UInt64Array;
use arrow_schema::SchemaRef;
use arrow_select::take::take_record_batch;

use crate::inspect::output::Plan;
use crate::inspect::output::PushError;
use crate::inspect::output::Refusal;
use crate::inspect::output::RowCheck;
use crate::inspect::output::conform;
use crate::inspect::table::Batch;
use crate::inspect::table::LongRow;
use crate::inspect::table::Row;
use crate::inspect::table::Scan;
use crate::inspect::table::Scanned;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::registry::RowFiles;
use crate::registry::Target;
use crate::registry::error::Error;
use crate::registry::targets::column_plan::whole;
use crate::registry::targets::row_writer::of_push;

/// Which rows go into which file.
pub enum Picks<'a> {
    /// All rows into the first.
    All,
    /// By what is in a row: the number of the file, or none.
    Content(&'a (dyn Fn(&Batch, &Row<'_>, &mut Scratch) -> Option<usize> + Sync)),
    /// By the row's number, and where that says nothing by what is in it.
    Both(
        &'a (dyn Fn(&Batch, &Row<'_>, &mut Scratch) -> usize + Sync),
        &'a (dyn Fn(u64) -> Option<usize> + Sync),
    ),
    /// By the row's number.
    Number(&'a (dyn Fn(u64) -> Option<usize> + Sync)),
}

impl Picks<'_> {
    /// Whether the text of rows decides.
    pub fn needs_text(&self) -> bool {
        matches!(self, Self::Content(_) | Self::Both(..))
    }

    fn by_content(&self, batch: &Batch, row: &Row<'_>, scratch: &mut Scratch) -> Option<usize> {
        match self {
            Self::Content(which) => which(batch, row, scratch),
            Self::Both(which, _) => Some(which(batch, row, scratch)),
            // It is asked once the number is known.
            Self::All | Self::Number(_) => Some(0),
        }
    }

    fn by_number(&self, number: u64, file: usize) -> Option<usize> {
        match self {
            Self::All | Self::Content(_) => Some(file),
            Self::Both(_, which) => which(number).or(Some(file)),
            Self::Number(which) => which(number),
        }
    }
}

/// How many rows went in and out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Rows that were looked at.
    pub rows_in: u64,
    /// Rows that were written.
    pub rows_out: u64,
    /// Rows that should have been written and could not be.
    pub refused: u64,
}

/// A row that was not written though it should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its number.
    pub row: u64,
    /// Why not.
    pub refusal: Refusal,
    /// Its text, or the beginning of that.
    pub text: Vec<u8>,
}

/// Takes rows that cannot be written.
pub type TakeRefused<'a> = dyn FnMut(&RefusedRow) -> Result<(), Error> + Send + 'a;

/// What happens to rows on their way.
pub struct Moving<'a> {
    /// Which rows are wanted.
    pub picks: &'a Picks<'a>,
    /// What is looked at in each.
    pub check: &'a RowCheck,
    /// Which columns they have.
    pub plan: &'a Plan,
    /// Takes rows that cannot be written; without it, the first of them is an error.
    pub refused: Option<&'a mut TakeRefused<'a>>,
}

impl RowFiles {
    /// Writes rows of a scan in their order.
    ///
    /// # Errors
    /// Of reading, as [`Target::blame`] says it, of writing, and [`Error::RowRefused`].
    pub fn fill(
        &mut self,
        scan: &Scan<'_>,
        target: &Target,
        moving: &mut Moving<'_>,
    ) -> Result<Moved, Error> {
        let mut moved = Moved::default();
        let (picks, check, plan) = (moving.picks, moving.check, moving.plan);
        let needs_look = plan.has_refusals();
        let mut copies = |shape: &Shape| {
            self.writer(0)
                .is_some_and(|(_, writer)| writer.copies(shape, plan))
        };
        let copies_json = copies(&Shape::Json);
        let copies_text = copies(&Shape::Text);
        let picking = Picking {
            picks,
            check,
            needs_look,
            copies_json,
            copies_text,
        };
        let done = scan.run::<_, _, Ended>(
            Scratch::default,
            |scratch, batch| picking.batch(batch, scratch),
            |made| {
                self.put(made, target, moving, &mut moved)?;
                Ok(ControlFlow::Continue(()))
            },
        );
        match done {
            Ok(()) => Ok(moved),
            Err(Ended::Rows(e)) => Err(target.blame(e)),
            Err(Ended::Write(e)) => Err(e),
        }
    }

    fn put(
        &mut self,
        made: Scanned<Picked>,
        target: &Target,
        moving: &mut Moving<'_>,
        moved: &mut Moved,
    ) -> Result<(), Ended> {
        let picked = made.value;
        moved.rows_in += picked.rows.len() as u64 + picked.passed + picked.lines;
        if picked.lines > 0
            && let Some((path, writer)) = self.writer(0)
        {
            let pushed = writer.push_lines(&picked.text, picked.lines);
            pushed.map_err(|error| Ended::Write(of_push(path, error)))?;
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
                What::Text(from, to) => {
                    let text = picked.text.get(from..to).unwrap_or_default();
                    match writer.push(&picked.shape, text) {
                        Ok(()) => {
                            moved.rows_out += 1;
                            continue;
                        }
                        Err(PushError::Refused(refusal)) => (refusal, text.to_vec()),
                        Err(PushError::Read(error)) => return Err(Ended::Rows(error)),
                        Err(error) => return Err(Ended::Write(of_push(path, error))),
                    }
                }
                What::Long(long) => match writer.push_long(&long) {
                    Ok(()) => {
                        moved.rows_out += 1;
                        continue;
                    }
                    Err(PushError::Read(error)) => return Err(Ended::Rows(error)),
                    Err(error) => return Err(Ended::Write(of_push(path, error))),
                },
                What::Refused(refusal, text) => (refusal, text),
            };
            let Some(take) = &mut moving.refused else {
                return Err(Ended::Write(Error::RowRefused {
                    target: target.name().to_owned(),
                    row: number,
                    refusal,
                }));
            };
            moved.refused += 1;
            let refused = RefusedRow {
                row: number,
                refusal,
                text,
            };
            take(&refused).map_err(Ended::Write)?;
        }
        Ok(())
    }

    /// Writes rows of a scan of decoded columns, which become those of `schema`.
    ///
    /// # Errors
    /// As [`fill`](Self::fill).
    pub fn fill_decoded(
        &mut self,
        scan: &Scan<'_>,
        target: &Target,
        picks: &Picks<'_>,
        schema: &SchemaRef,
    ) -> Result<Moved, Error> {
        let mut moved = Moved::default();
        let done = scan.run::<_, _, Ended>(
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
            Err(Ended::Rows(e)) => Err(target.blame(e)),
            Err(Ended::Write(e)) => Err(e),
        }
    }

    fn push_decoded(
        &mut self,
        file: usize,
        rows: Vec<u64>,
        decoded: &RecordBatch,
    ) -> Result<u64, Ended> {
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
            Err(error) => Err(Ended::Write(of_push(path, error))),
        }
    }
}

fn not_columnar() -> TableError {
    TableError::Unsupported("it is not columnar".to_owned())
}

fn damaged(error: arrow_schema::ArrowError) -> TableError {
    TableError::Damaged(error.to_string())
}

/// How rows of a batch are looked at.
struct Picking<'a> {
    picks: &'a Picks<'a>,
    check: &'a RowCheck,
    /// Some row cannot be written by what is in its cells.
    needs_look: bool,
    /// Long rows of these shapes are not taken into memory.
    copies_json: bool,
    copies_text: bool,
}

/// Rows of a batch that may be written.
struct Picked {
    text: Vec<u8>,
    shape: Shape,
    rows: Vec<PickedRow>,
    /// The text is so many lines that are written as they are, into the first file.
    lines: u64,
    /// Rows that were left out.
    passed: u64,
}

struct PickedRow {
    /// Its number within the batch.
    index: u64,
    file: usize,
    what: What,
}

enum What {
    /// It is here, between two places of the text.
    Text(usize, usize),
    /// It is copied from its file.
    Long(LongRow),
    /// It cannot be written.
    Refused(Refusal, Vec<u8>),
}

impl Picking<'_> {
    fn batch(&self, batch: &Batch, scratch: &mut Scratch) -> Result<Picked, Ended> {
        let mut picked = Picked {
            text: Vec::new(),
            shape: batch.shape().clone(),
            rows: Vec::new(),
            lines: 0,
            passed: 0,
        };
        if let Some(lines) = self.lines(batch) {
            picked.lines = lines;
            picked.text.reserve(batch.text().len() + 1);
            picked.text.extend_from_slice(batch.text());
            if !picked.text.ends_with(b"\n") {
                picked.text.push(b'\n');
            }
            return Ok(picked);
        }
        for row in batch.rows() {
            let (index, long) = (row.index, batch.long(&row));
            let copies = match batch.shape() {
                Shape::Json => self.copies_json,
                Shape::Text => self.copies_text,
                Shape::Delimited(_) => false,
            };
            if let (Some(long), true, false) = (long, copies, self.picks.needs_text()) {
                let what = What::Long(long.clone());
                picked.rows.push(PickedRow {
                    index,
                    file: 0,
                    what,
                });
                continue;
            }
            let text = match whole(batch, &row) {
                Ok(text) => text,
                Err(PushError::Read(error)) => return Err(Ended::Rows(error)),
                Err(PushError::Refused(refusal)) => {
                    let what = What::Refused(refusal, Vec::new());
                    picked.rows.push(PickedRow {
                        index,
                        file: 0,
                        what,
                    });
                    continue;
                }
                Err(PushError::Write(error)) => return Err(Ended::Rows(error.into())),
            };
            let seen = Row { text: &text, ..row };
            let Some(file) = self.picks.by_content(batch, &seen, scratch) else {
                picked.passed += 1;
                continue;
            };
            let what = match (long, copies) {
                (Some(long), true) => What::Long(long.clone()),
                _ => self.what(batch.shape(), &text, &mut picked.text, scratch),
            };
            picked.rows.push(PickedRow { index, file, what });
        }
        Ok(picked)
    }

    /// How many rows a batch has, where its text is written as it is.
    fn lines(&self, batch: &Batch) -> Option<u64> {
        let is_quick = matches!(self.picks, Picks::All)
            && self.copies_json
            && !self.needs_look
            && *batch.shape() == Shape::Json
            && batch.is_lines()
            && batch.truncated() == 0;
        let rows = is_quick.then(|| batch.count_rows())?;
        // Blank lines are no rows, and are not written.
        (rows > 0 && rows == batch.count() && self.check.keeps_lines(batch.text())).then_some(rows)
    }

    fn what(&self, shape: &Shape, row: &[u8], all: &mut Vec<u8>, scratch: &mut Scratch) -> What {
        let refused = |refusal| {
            let most = row.len().min(REFUSED_BYTES);
            What::Refused(refusal, row.get(..most).unwrap_or_default().to_vec())
        };
        let text = match self.check.prepare(shape, row) {
            Ok(text) => text,
            Err(refusal) => return refused(refusal),
        };
        if self.needs_look
            && let Err(refusal) = self.check.examine(shape, &text, scratch)
        {
            return refused(refusal);
        }
        let from = all.len();
        all.extend_from_slice(&text);
        What::Text(from, all.len())
    }
}

/// Bytes that are kept of a row that cannot be written.
const REFUSED_BYTES: usize = 1 << 20;

enum Ended {
    Rows(TableError),
    Write(Error),
}

impl From<TableError> for Ended {
    fn from(error: TableError) -> Self {
        Self::Rows(error)
    }
}
