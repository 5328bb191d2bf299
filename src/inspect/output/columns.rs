//! Conversion of text rows to typed Arrow columns.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_array::builder::BooleanBuilder;
use arrow_array::builder::Date32Builder;
use arrow_array::builder::Float64Builder;
use arrow_array::builder::Int64Builder;
use arrow_array::builder::StringBuilder;
use arrow_array::builder::TimestampMicrosecondBuilder;
use arrow_array::builder::TimestampNanosecondBuilder;
use arrow_array::builder::UInt64Builder;
use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Schema;
use arrow_schema::SchemaRef;
use arrow_schema::TimeUnit;

use crate::inspect::format::cell_type::CellType;
use crate::inspect::format::cell_type::look;
use crate::inspect::format::times::Time;
use crate::inspect::output::ColumnKind;
use crate::inspect::output::OutputPlan;
use crate::inspect::output::PushError;
use crate::inspect::output::Refusal;
use crate::inspect::output::check::NO_COLUMN;
use crate::inspect::output::kinds::nan_word;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

/// Rows per batch.
const BATCH_ROWS: usize = 4096;
/// Bytes of text per batch.
const BATCH_BYTES: usize = 8 << 20;

/// Collector of text rows, which it returns as batches of typed columns.
pub struct BatchBuilder {
    schema: SchemaRef,
    plan: OutputPlan,
    columns: Vec<ColumnBuilder>,
    is_set: Vec<bool>,
    scratch: Scratch,
    rows: usize,
    bytes: usize,
}

/// Builder of one column of the next batch.
enum ColumnBuilder {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Unsigned(UInt64Builder),
    Float(Float64Builder),
    Date(Date32Builder),
    Micros(TimestampMicrosecondBuilder),
    Nanos(TimestampNanosecondBuilder),
    Text(StringBuilder),
}

impl BatchBuilder {
    /// Creates a collector for the columns of a plan, which has seen every row that is pushed.
    pub fn new(plan: &OutputPlan) -> Self {
        let fields = plan.columns();
        let fields = fields.map(|(name, kind)| Field::new(name, data_type(kind), true));
        Self {
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            columns: plan
                .columns()
                .map(|(_, kind)| ColumnBuilder::new(kind))
                .collect(),
            is_set: vec![false; plan.columns().len()],
            plan: plan.clone(),
            scratch: Scratch::default(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Returns the columns of its batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Adds a row. Returns a batch when it is full.
    ///
    /// # Errors
    /// [`PushError::Refused`] for a row without columns, and for one that the plan has not seen.
    pub fn push(&mut self, shape: &Shape, row: &[u8]) -> Result<Option<RecordBatch>, PushError> {
        if self.columns.is_empty() {
            return Err(Refusal::of_row(NO_COLUMN).into());
        }
        self.is_set.fill(false);
        let (columns, is_set) = (&mut self.columns, &mut self.is_set);
        let scratch = &mut self.scratch;
        self.plan.each_cell(shape, row, scratch, &mut |at, cell| {
            if let (Some(column), Some(set @ false)) = (columns.get_mut(at), is_set.get_mut(at)) {
                *set = true;
                column
                    .push(cell)
                    .ok_or_else(|| Refusal::of_row("the rows changed meanwhile"))?;
            }
            Ok(())
        })?;
        for (column, is_set) in self.columns.iter_mut().zip(&self.is_set) {
            if !is_set {
                let _ = column.push(&Cell::Null);
            }
        }
        self.rows += 1;
        self.bytes += row.len();
        if self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
            self.take()
        } else {
            Ok(None)
        }
    }

    /// Returns the rows since the last batch; `None` if there are none.
    ///
    /// # Errors
    /// [`PushError::Write`] if the columns do not fit each other.
    pub fn take(&mut self) -> Result<Option<RecordBatch>, PushError> {
        if self.rows == 0 {
            return Ok(None);
        }
        (self.rows, self.bytes) = (0, 0);
        let arrays = self.columns.iter_mut().zip(self.schema.fields());
        let arrays = arrays.map(|(column, field)| column.finish(field.data_type()));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays.collect());
        Ok(Some(batch.map_err(std::io::Error::other)?))
    }
}

impl ColumnBuilder {
    fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Bool => Self::Bool(BooleanBuilder::new()),
            ColumnKind::Int => Self::Int(Int64Builder::new()),
            ColumnKind::Unsigned => Self::Unsigned(UInt64Builder::new()),
            ColumnKind::Float => Self::Float(Float64Builder::new()),
            ColumnKind::Date => Self::Date(Date32Builder::new()),
            ColumnKind::Time { is_fine: false, .. } => {
                Self::Micros(TimestampMicrosecondBuilder::new())
            }
            ColumnKind::Time { is_fine: true, .. } => {
                Self::Nanos(TimestampNanosecondBuilder::new())
            }
            ColumnKind::Nothing | ColumnKind::Text => Self::Text(StringBuilder::new()),
        }
    }

    /// Adds a value; `None` if it is not of the column's type, which the plan rules out.
    fn push(&mut self, cell: &Cell<'_>) -> Option<()> {
        let raw = cell.bytes();
        let is_null = *cell == Cell::Null;
        if let Self::Text(to) = self {
            if is_null {
                to.append_null()
            } else {
                to.append_value(std::str::from_utf8(raw).ok()?)
            }
            return Some(());
        }
        if is_null || raw.is_empty() {
            self.push_null();
            return Some(());
        }
        let text = std::str::from_utf8(raw).ok()?;
        match self {
            Self::Bool(to) => to.append_value(match (cell, look(raw)) {
                (Cell::Bool(value), _) => *value,
                (_, CellType::Bool(value)) => value,
                _ => return None,
            }),
            Self::Int(to) => to.append_value(text.parse().ok()?),
            Self::Unsigned(to) => to.append_value(text.parse().ok()?),
            Self::Float(to) => to.append_value(match nan_word(raw) {
                Some(value) => value,
                None => text.parse().ok()?,
            }),
            Self::Date(to) => match Time::read(raw)? {
                Time::Day(days) => to.append_value(days),
                Time::Point { .. } => return None,
            },
            Self::Micros(to) => match Time::read(raw)? {
                Time::Point { at, .. } => to.append_value(at.microseconds()?),
                Time::Day(_) => return None,
            },
            Self::Nanos(to) => match Time::read(raw)? {
                Time::Point { at, .. } => to.append_value(at.nanoseconds()?),
                Time::Day(_) => return None,
            },
            Self::Text(_) => return None,
        }
        Some(())
    }

    fn push_null(&mut self) {
        match self {
            Self::Bool(to) => to.append_null(),
            Self::Int(to) => to.append_null(),
            Self::Unsigned(to) => to.append_null(),
            Self::Float(to) => to.append_null(),
            Self::Date(to) => to.append_null(),
            Self::Micros(to) => to.append_null(),
            Self::Nanos(to) => to.append_null(),
            Self::Text(to) => to.append_null(),
        }
    }

    fn finish(&mut self, kind: &DataType) -> ArrayRef {
        match self {
            Self::Bool(column) => Arc::new(column.finish()),
            Self::Int(column) => Arc::new(column.finish()),
            Self::Unsigned(column) => Arc::new(column.finish()),
            Self::Float(column) => Arc::new(column.finish()),
            Self::Date(column) => Arc::new(column.finish()),
            Self::Micros(column) => Arc::new(column.finish().with_timezone_opt(zone(kind))),
            Self::Nanos(column) => Arc::new(column.finish().with_timezone_opt(zone(kind))),
            Self::Text(column) => Arc::new(column.finish()),
        }
    }
}

fn zone(kind: &DataType) -> Option<Arc<str>> {
    match kind {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    }
}

fn data_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Bool => DataType::Boolean,
        ColumnKind::Int => DataType::Int64,
        ColumnKind::Unsigned => DataType::UInt64,
        ColumnKind::Float => DataType::Float64,
        ColumnKind::Date => DataType::Date32,
        ColumnKind::Time { is_utc, is_fine } => DataType::Timestamp(
            if is_fine {
                TimeUnit::Nanosecond
            } else {
                TimeUnit::Microsecond
            },
            is_utc.then(|| Arc::from("UTC")),
        ),
        ColumnKind::Nothing | ColumnKind::Text => DataType::Utf8,
    }
}
