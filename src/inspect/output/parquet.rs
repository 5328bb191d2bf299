//! Parquet, in row groups of bounded size.

use std::io;
use std::io::Write;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_array::builder::BooleanBuilder;
use arrow_array::builder::Float64Builder;
use arrow_array::builder::Int64Builder;
use arrow_array::builder::StringBuilder;
use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::inspect::output::ColumnKind;
use crate::inspect::output::Plan;
use crate::inspect::output::malformed;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

/// Rows that are handed to the encoder together.
const BATCH_ROWS: usize = 4096;
/// Bytes of text that are handed to it together.
const BATCH_BYTES: usize = 8 << 20;
/// Encoded bytes of a row group.
const GROUP_BYTES: usize = 64 << 20;

pub(super) struct Writer<W: Write + Send> {
    to: ArrowWriter<W>,
    schema: Arc<Schema>,
    plan: Plan,
    columns: Vec<Column>,
    is_set: Vec<bool>,
    scratch: Scratch,
    rows: usize,
    bytes: usize,
}

enum Column {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
}

impl<W: Write + Send> Writer<W> {
    pub(super) fn new(to: W, plan: &Plan) -> io::Result<Self> {
        let fields = plan.columns().iter();
        let fields = fields.map(|(name, kind)| Field::new(name, data_type(*kind), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("alimentar ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let to = ArrowWriter::try_new(to, Arc::clone(&schema), Some(properties));
        Ok(Self {
            to: to.map_err(as_io)?,
            schema,
            columns: plan
                .columns()
                .iter()
                .map(|(_, k)| Column::new(*k))
                .collect(),
            is_set: vec![false; plan.columns().len()],
            plan: plan.clone(),
            scratch: Scratch::default(),
            rows: 0,
            bytes: 0,
        })
    }

    pub(super) fn push(&mut self, shape: &Shape, row: &[u8]) -> io::Result<()> {
        self.is_set.fill(false);
        let (plan, columns, is_set) = (&self.plan, &mut self.columns, &mut self.is_set);
        let is_whole = shape.each_cell(row, &mut self.scratch, &mut |name, cell| {
            let Some(at) = plan.place(name) else { return };
            // Of a column that is there twice the first counts.
            if let (Some(column), Some(set @ false)) = (columns.get_mut(at), is_set.get_mut(at)) {
                *set = true;
                column.push(&cell);
            }
        });
        for (column, is_set) in self.columns.iter_mut().zip(&self.is_set) {
            if !is_set {
                column.push(&Cell::Null);
            }
        }
        if !is_whole {
            return Err(malformed());
        }
        self.rows += 1;
        self.bytes += row.len();
        if self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        self.to.into_inner().map_err(as_io)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.rows == 0 || self.columns.is_empty() {
            return Ok(());
        }
        let arrays = self.columns.iter_mut().map(Column::finish).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays);
        let batch = batch.map_err(io::Error::other)?;
        self.to.write(&batch).map_err(as_io)?;
        (self.rows, self.bytes) = (0, 0);
        if self.to.in_progress_size() >= GROUP_BYTES {
            self.to.flush().map_err(as_io)?;
        }
        Ok(())
    }
}

impl Column {
    fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Bool => Self::Bool(BooleanBuilder::new()),
            ColumnKind::Int => Self::Int(Int64Builder::new()),
            ColumnKind::Float => Self::Float(Float64Builder::new()),
            ColumnKind::Nothing | ColumnKind::Text => Self::Text(StringBuilder::new()),
        }
    }

    /// The plan was made of the same rows, so values fit; one that does not is none.
    fn push(&mut self, cell: &Cell<'_>) {
        let text = || std::str::from_utf8(cell.bytes()).ok();
        match (self, cell) {
            (Self::Bool(to), Cell::Bool(value)) => to.append_value(*value),
            (Self::Bool(to), _) => to.append_null(),
            (Self::Int(to), _) => to.append_option(text().and_then(|t| t.parse().ok())),
            (Self::Float(to), _) => to.append_option(text().and_then(|t| t.parse().ok())),
            (Self::Text(to), Cell::Null) => to.append_null(),
            (Self::Text(to), cell) => to.append_value(String::from_utf8_lossy(cell.bytes())),
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

fn data_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Bool => DataType::Boolean,
        ColumnKind::Int => DataType::Int64,
        ColumnKind::Float => DataType::Float64,
        ColumnKind::Nothing | ColumnKind::Text => DataType::Utf8,
    }
}

fn as_io(error: parquet::errors::ParquetError) -> io::Error {
    match error {
        parquet::errors::ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(io) => *io,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
