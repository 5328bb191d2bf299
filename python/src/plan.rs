//! The columns of a scan, and the conversion of batches of rows into batches of columns.

use std::borrow::Cow;
use std::sync::Arc;

use alimentar::inspect::output::BatchBuilder;
use alimentar::inspect::output::NanRule;
use alimentar::inspect::output::OutputFormat;
use alimentar::inspect::output::OutputPlan;
use alimentar::inspect::output::PushError;
use alimentar::inspect::output::Refusal;
use alimentar::inspect::output::RowCheck;
use alimentar::inspect::output::TooManyColumns;
use alimentar::inspect::output::common_columns;
use alimentar::inspect::output::conform;
use alimentar::inspect::table::Batch;
use alimentar::inspect::table::Columnar;
use alimentar::inspect::table::Decoded;
use alimentar::inspect::table::NextBatch;
use alimentar::inspect::table::Row;
use alimentar::inspect::table::Scan;
use alimentar::inspect::table::Scratch;
use alimentar::inspect::table::Selection;
use alimentar::inspect::table::TableError;
use alimentar::inspect::table::UnreadColumn;
use alimentar::locks::threads;
use alimentar::progress::Progress;
use alimentar::registry::Error;
use alimentar::registry::Target;
use alimentar::registry::TargetError;
use alimentar::registry::plan_of;
use arrow_array::RecordBatch;
use arrow_array::UInt64Array;
use arrow_schema::ArrowError;
use arrow_schema::SchemaRef;
use arrow_select::take::take_record_batch;

use crate::choice::Choice;
use crate::failure::Failure;

/// The rows of a target as columns.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) choice: Choice,
    pub(crate) schema: SchemaRef,
    /// Columns of types that are not read, which the rows leave out.
    pub(crate) left_out: Vec<UnreadColumn>,
    form: Form,
}

/// Source of the columns.
#[derive(Clone)]
enum Form {
    /// The file has them.
    Decoded,
    /// They are made of text.
    Text(Arc<OutputPlan>, RowCheck),
}

/// Reason that the rows of a batch are no columns.
pub(crate) enum Fault {
    /// The row with this index in the batch cannot be a row of columns.
    Row(u64, Refusal),
    /// The rows cannot be read.
    Read(TableError),
}

impl From<TableError> for Fault {
    fn from(error: TableError) -> Self {
        Self::Read(error)
    }
}

impl From<ArrowError> for Fault {
    fn from(error: ArrowError) -> Self {
        Self::Read(TableError::Damaged(error.to_string()))
    }
}

impl Plan {
    /// Finds the columns. Columnar files have them; for other files the chosen rows are read once.
    pub(crate) fn new(
        target: &Target,
        choice: &Choice,
        progress: &dyn Progress,
    ) -> Result<Self, Failure> {
        target.require_columns(&choice.columns, threads(), progress)?;
        let left_out = match choice.columns.as_slice() {
            [] => target.column_notes()?.unread,
            // Columns that were named can be read.
            _ => Vec::new(),
        };
        let whole = |schema, form| Self {
            target: target.clone(),
            choice: choice.clone(),
            schema,
            left_out: left_out.clone(),
            form,
        };
        if let Some(columns) = decoded_columns(target, &choice.columns)? {
            return Ok(whole(columns.schema, Form::Decoded));
        }
        let check = RowCheck {
            format: OutputFormat::Parquet,
            nan: NanRule::Null,
            is_columnar: target.columnar()?.is_some(),
        };
        let mut plan = OutputPlan::of_columns(&choice.columns);
        progress.phase("looking at columns", Some(target.size_bytes()));
        match choice.to {
            None => {
                let batches = target.batches(&text_selection(choice))?;
                let scan = Scan {
                    batches: &*batches,
                    threads: threads(),
                    progress,
                };
                plan_of(&scan, target, &check, &mut plan)?;
            }
            Some(to) => plan_range(target, choice, to, &check, &mut plan, progress)?,
        }
        let schema = Arc::clone(BatchBuilder::new(&plan).schema());
        Ok(whole(schema, Form::Text(Arc::new(plan), check)))
    }

    /// Returns the same columns for another filter.
    pub(crate) fn with_choice(&self, choice: &Choice) -> Self {
        Self {
            choice: choice.clone(),
            ..self.clone()
        }
    }

    /// Returns the rows that have to be read.
    pub(crate) fn selection(&self) -> Selection {
        match (&self.form, self.choice.filter.is_none()) {
            (Form::Text(..), _) => text_selection(&self.choice),
            (Form::Decoded, is_all) => Selection {
                from: self.choice.from,
                // A filter may need other columns.
                columns: match is_all {
                    true => self.choice.columns.clone(),
                    false => Vec::new(),
                },
                nan: true,
                decoded: match is_all {
                    true => Decoded::Alone,
                    false => Decoded::Beside,
                },
            },
        }
    }

    /// Returns the error for rows of the target that are no columns; `first` is the number of the first row of their batch.
    pub(crate) fn blame(&self, first: u64, fault: Fault) -> Failure {
        match fault {
            Fault::Read(error) => self.target.blame(error).into(),
            Fault::Row(index, refusal) => Error::Target(TargetError::RowRefused {
                target: self.target.name().to_owned(),
                row: first + index,
                refusal,
            })
            .into(),
        }
    }
}

/// Converts batches; each thread has its own.
pub(crate) struct Converter<'a> {
    plan: &'a Plan,
    builder: Option<BatchBuilder>,
    /// True if some row cannot be a row of columns.
    needs_look: bool,
    scratch: Scratch,
    cells: Scratch,
}

impl<'a> Converter<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        let columns = match &plan.form {
            Form::Text(columns, _) => Some(columns),
            Form::Decoded => None,
        };
        Self {
            plan,
            builder: columns.map(|columns| BatchBuilder::new(columns)),
            needs_look: columns.is_some_and(|columns| columns.has_refusals()),
            scratch: Scratch::default(),
            cells: Scratch::default(),
        }
    }

    /// Converts all rows of a batch that are chosen.
    pub(crate) fn all(&mut self, batch: &Batch) -> Result<Vec<RecordBatch>, Fault> {
        self.first(batch, u64::MAX)
    }

    /// Converts the chosen rows among the first `most` of a batch.
    pub(crate) fn first(&mut self, batch: &Batch, most: u64) -> Result<Vec<RecordBatch>, Fault> {
        match &self.plan.form {
            Form::Decoded => self.decoded(batch, most),
            Form::Text(_, check) => self.text(batch, most, check),
        }
    }

    fn decoded(&mut self, batch: &Batch, most: u64) -> Result<Vec<RecordBatch>, Fault> {
        let filter = &self.plan.choice.filter;
        let rows = batch
            .decoded()
            .ok_or_else(|| Fault::Read(TableError::Unsupported("it is not columnar".to_owned())))?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let rows = conform(&rows.slice(0, most.min(rows.num_rows())), &self.plan.schema)?;
        if filter.is_none() {
            return Ok(non_empty(rows));
        }
        let mut chosen = Vec::new();
        for row in batch
            .rows()
            .take_while(|row| row.index < rows.num_rows() as u64)
        {
            let holds = filter.holds(batch, &row, &mut self.scratch);
            if holds.map_err(|why| Fault::Row(row.index, Refusal::of_row(why)))? {
                chosen.push(row.index);
            }
        }
        match chosen.len() == rows.num_rows() {
            true => Ok(non_empty(rows)),
            false => Ok(non_empty(take_record_batch(
                &rows,
                &UInt64Array::from(chosen),
            )?)),
        }
    }

    fn text(
        &mut self,
        batch: &Batch,
        most: u64,
        check: &RowCheck,
    ) -> Result<Vec<RecordBatch>, Fault> {
        let filter = &self.plan.choice.filter;
        let mut made = Vec::new();
        let Some(builder) = &mut self.builder else {
            return Ok(made);
        };
        for row in batch.rows().take_while(|row| row.index < most) {
            let refused = |refusal| Fault::Row(row.index, refusal);
            let text = whole(batch, &row)?;
            let holds = filter.holds(batch, &row, &mut self.scratch);
            if !holds.map_err(|why| refused(Refusal::of_row(why)))? {
                continue;
            }
            let prepared = check.prepare(batch.shape(), &text).map_err(refused)?;
            if self.needs_look {
                let checked = check.check_cells(batch.shape(), &prepared, &mut self.cells);
                checked.map_err(refused)?;
            }
            let pushed = builder.push(batch.shape(), &prepared);
            made.extend(pushed.map_err(|error| of_push(row.index, error))?);
        }
        made.extend(builder.take().map_err(|error| of_push(0, error))?);
        Ok(made)
    }
}

fn non_empty(rows: RecordBatch) -> Vec<RecordBatch> {
    match rows.num_rows() {
        0 => Vec::new(),
        _ => vec![rows],
    }
}

fn of_push(index: u64, error: PushError) -> Fault {
    match error {
        PushError::Refused(refusal) => Fault::Row(index, refusal),
        PushError::Read(error) => Fault::Read(error),
        PushError::Write(error) => Fault::Read(TableError::Read(error)),
    }
}

/// Returns the whole text of a row.
fn whole<'a>(batch: &Batch, row: &Row<'a>) -> Result<Cow<'a, [u8]>, Fault> {
    match batch.long(row).map(|long| long.read_all()) {
        None => Ok(Cow::Borrowed(row.text)),
        Some(Ok(text)) => Ok(Cow::Owned(text)),
        Some(Err(TableError::Limit(why))) => Err(Fault::Row(row.index, Refusal::of_row(why))),
        Some(Err(error)) => Err(Fault::Read(error)),
    }
}

fn text_selection(choice: &Choice) -> Selection {
    Selection {
        from: choice.from,
        columns: match choice.filter.is_none() {
            true => choice.columns.clone(),
            false => Vec::new(),
        },
        nan: true,
        decoded: Decoded::No,
    }
}

/// Returns the columns of the files, if all are columnar and have common ones, in this order of names.
fn decoded_columns(target: &Target, names: &[String]) -> Result<Option<Columnar>, Failure> {
    let Some(files) = target.columnar()? else {
        return Ok(None);
    };
    Ok(common_columns(&files).ok().and_then(|c| c.of_names(names)))
}

/// Determines the columns of a range of rows, which are read in order.
fn plan_range(
    target: &Target,
    choice: &Choice,
    to: u64,
    check: &RowCheck,
    plan: &mut OutputPlan,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let too_many = |e: TooManyColumns| {
        Failure::from(Error::Target(TargetError::TooManyColumns {
            target: target.name().to_owned(),
            column: e.name,
        }))
    };
    plan.add_declared(&target.column_names()?)
        .map_err(too_many)?;
    let mut cells = Scratch::default();
    each_batch(
        target,
        &text_selection(choice),
        to,
        progress,
        &mut |batch, _, most| {
            for row in batch.rows().take_while(|row| row.index < most) {
                let text = match whole(batch, &row) {
                    Ok(text) => text,
                    Err(Fault::Read(error)) => return Err(target.blame(error).into()),
                    // The scan itself names the row.
                    Err(Fault::Row(..)) => {
                        plan.record_refusal();
                        continue;
                    }
                };
                match check.prepare(batch.shape(), &text) {
                    Ok(text) => {
                        let learnt = plan.add_row(batch.shape(), &text, &mut cells);
                        learnt.map_err(too_many)?;
                    }
                    Err(_) => plan.record_refusal(),
                }
            }
            Ok(true)
        },
    )
}

/// Takes a batch, the number of its first row, and how many of its rows are in the range. Returns false to stop.
pub(crate) type TakeBatch<'a> = dyn FnMut(&Batch, u64, u64) -> Result<bool, Failure> + 'a;

/// Reads the batches of a selection up to the row `to` in order.
pub(crate) fn each_batch(
    target: &Target,
    selection: &Selection,
    to: u64,
    progress: &dyn Progress,
    take: &mut TakeBatch<'_>,
) -> Result<(), Failure> {
    if selection.from >= to {
        return Ok(());
    }
    let batches = target.batches(selection)?;
    let (mut batch, mut first) = (Batch::default(), selection.from);
    while first < to {
        if progress.cancelled() {
            return Err(Error::Interrupted.into());
        }
        match batches.next(&mut batch).map_err(|e| target.blame(e))? {
            NextBatch::End(_) => break,
            NextBatch::Batch(_) => {}
        }
        progress.advance(batch.bytes_read());
        if !take(&batch, first, to - first)? {
            break;
        }
        first += batch.count();
    }
    Ok(())
}
