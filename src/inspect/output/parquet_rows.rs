//! Rows as Parquet.

use std::io::Write;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_array::builder::BooleanBuilder;
use arrow_array::builder::Float64Builder;
use arrow_array::builder::Int64Builder;
use arrow_array::builder::LargeStringBuilder;
use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::inspect::output::ColumnKind;
use crate::inspect::output::ColumnPlan;
use crate::inspect::output::OutputError;
use crate::inspect::output::plan::number;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

/// Rows, and bytes of text, that are collected for the library at a time.
const ROWS_AT_ONCE: usize = 4096;
const BYTES_AT_ONCE: usize = 8 << 20;
/// Bytes of a row group before it is packed, about; it is in memory until then.
const GROUP_BYTES: usize = 64 << 20;

pub(super) struct ParquetRows<W: Write + Send> {
    plan: ColumnPlan,
    schema: Arc<Schema>,
    columns: Vec<Column>,
    /// The columns that the row had.
    has: Vec<bool>,
    rows: usize,
    bytes: usize,
    writer: ArrowWriter<W>,
    scratch: Scratch,
}

enum Column {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Text(LargeStringBuilder),
}

impl<W: Write + Send> ParquetRows<W> {
    pub(super) fn new(plan: ColumnPlan, out: W) -> Result<Self, OutputError> {
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (name, kind) in plan.columns() {
            let (kind, column) = match kind {
                ColumnKind::Bool => (DataType::Boolean, Column::Bool(BooleanBuilder::new())),
                ColumnKind::Int => (DataType::Int64, Column::Int(Int64Builder::new())),
                ColumnKind::Float => (DataType::Float64, Column::Float(Float64Builder::new())),
                ColumnKind::Nothing | ColumnKind::Text => {
                    (DataType::LargeUtf8, Column::Text(LargeStringBuilder::new()))
                }
            };
            fields.push(Field::new(name, kind, true));
            columns.push(column);
        }
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties));
        Ok(Self {
            has: vec![false; columns.len()],
            plan,
            schema,
            columns,
            rows: 0,
            bytes: 0,
            writer: writer.map_err(refused)?,
            scratch: Scratch::default(),
        })
    }

    pub(super) fn row(&mut self, shape: &Shape, row: &[u8]) -> Result<(), OutputError> {
        self.has.fill(false);
        let (plan, columns, has) = (&self.plan, &mut self.columns, &mut self.has);
        shape.each_cell(row, &mut self.scratch, &mut |name, cell| {
            let Some(n) = plan.place(name) else { return };
            // Of a key that comes twice the first counts.
            if let (Some(column), Some(has @ false)) = (columns.get_mut(n), has.get_mut(n)) {
                column.push(cell);
                *has = true;
            }
        });
        for (column, has) in self.columns.iter_mut().zip(&self.has) {
            if !has {
                column.push(Cell::Null);
            }
        }
        self.rows += 1;
        self.bytes += row.len();
        if self.rows >= ROWS_AT_ONCE || self.bytes >= BYTES_AT_ONCE {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), OutputError> {
        if self.rows == 0 || self.columns.is_empty() {
            return Ok(());
        }
        (self.rows, self.bytes) = (0, 0);
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns);
        let batch = batch.map_err(|e| OutputError::Columns(e.to_string()))?;
        self.writer.write(&batch).map_err(refused)?;
        if self.writer.in_progress_size() >= GROUP_BYTES {
            self.writer.flush().map_err(refused)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<W, OutputError> {
        self.write()?;
        let mut out = self.writer.into_inner().map_err(refused)?;
        out.flush()?;
        Ok(out)
    }
}

impl Column {
    /// What is of another kind than the plan says is null.
    fn push(&mut self, cell: Cell<'_>) {
        match (self, cell) {
            (Self::Bool(column), Cell::Bool(value)) => column.append_value(value),
            (Self::Bool(column), _) => column.append_null(),
            (Self::Int(column), Cell::Number(raw)) => column.append_option(number(raw)),
            (Self::Int(column), _) => column.append_null(),
            (Self::Float(column), Cell::Number(raw)) => column.append_option(number(raw)),
            (Self::Float(column), _) => column.append_null(),
            (Self::Text(column), Cell::Null) => column.append_null(),
            (Self::Text(column), other) => {
                column.append_value(String::from_utf8_lossy(other.bytes()));
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(column) => Arc::new(column.finish()),
            Self::Int(column) => Arc::new(column.finish()),
            Self::Float(column) => Arc::new(column.finish()),
            Self::Text(column) => Arc::new(column.finish()),
        }
    }
}

fn refused(error: parquet::errors::ParquetError) -> OutputError {
    match error {
        parquet::errors::ParquetError::External(inner) => {
            match inner.downcast::<std::io::Error>() {
                Ok(error) => OutputError::Write(*error),
                Err(other) => OutputError::Columns(other.to_string()),
            }
        }
        other => OutputError::Columns(other.to_string()),
    }
}
