//! Rows into files: JSON Lines, CSV, TSV, Parquet, Arrow, or lines as they are. Where the columns
//! have to be known before the first row is written, a [`Plan`] is made of all rows first. Rows of
//! columnar files go into columnar files as they are.

mod batches;
mod check;
mod columns;
mod delimited;
mod jsonl;
mod kinds;
mod parquet_types;
mod plan;
mod schemas;
#[cfg(test)]
mod tests;

use std::io;
use std::io::Write;
use std::sync::Arc;

use arrow_array::RecordBatch;

pub use check::NanRule;
pub use check::Refusal;
pub use check::RowCheck;
pub use kinds::ColumnKind;
pub use plan::Plan;
pub use plan::TooManyColumns;
pub use schemas::common_columns;
pub use schemas::conform;
pub use schemas::without_dictionaries;

use crate::inspect::format::detect::Format;
use crate::inspect::output::batches::BatchWriter;
use crate::inspect::output::columns::Columns;
use crate::inspect::table::Columnar;
use crate::inspect::table::LongRow;
use crate::inspect::table::LongRowError;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;

/// What rows are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Arrow IPC, the file form.
    Arrow,
    /// Arrow IPC, the stream form.
    ArrowStream,
    /// RFC 4180, with a record of names at the front.
    Csv,
    /// A JSON value a line.
    Jsonl,
    /// Apache Parquet, compressed with Snappy.
    Parquet,
    /// The texts of rows, a line each.
    Text,
    /// As CSV, with tabs.
    Tsv,
}

impl OutputFormat {
    /// The format that a path's ending names.
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, last) = path.rsplit_once('.')?;
        Some(match last.to_ascii_lowercase().as_str() {
            "arrow" | "ipc" => Self::Arrow,
            "arrows" => Self::ArrowStream,
            "csv" => Self::Csv,
            "jsonl" | "ndjson" | "jsonlines" => Self::Jsonl,
            "parquet" => Self::Parquet,
            "txt" | "text" => Self::Text,
            "tsv" | "tab" => Self::Tsv,
            _ => return None,
        })
    }

    /// The format that keeps rows as they are in a file of a format, whose rows have this shape.
    pub fn keeping(format: Format, shape: &Shape) -> Self {
        match (format, shape) {
            (Format::Parquet, _) => Self::Parquet,
            (Format::ArrowFile, _) => Self::Arrow,
            (Format::ArrowStream, _) => Self::ArrowStream,
            (_, Shape::Delimited(header)) if header.separator == b'\t' => Self::Tsv,
            (_, Shape::Delimited(_)) => Self::Csv,
            (_, Shape::Json) => Self::Jsonl,
            (_, Shape::Text) => Self::Text,
        }
    }

    /// The ending of files of the format, without a dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Arrow => "arrow",
            Self::ArrowStream => "arrows",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::Text => "txt",
            Self::Tsv => "tsv",
        }
    }

    /// Whether files of it have columns.
    pub fn has_columns(self) -> bool {
        !matches!(self, Self::Jsonl | Self::Text)
    }

    /// Whether files of it have columns with types, in which decoded columns fit.
    pub fn is_columnar(self) -> bool {
        matches!(self, Self::Arrow | Self::ArrowStream | Self::Parquet)
    }
}

/// Why a row was not written.
#[derive(Debug)]
pub enum PushError {
    /// Writing failed.
    Write(io::Error),
    /// The row cannot be written.
    Refused(Refusal),
    /// The row cannot be read.
    Read(TableError),
}

impl From<io::Error> for PushError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<Refusal> for PushError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<LongRowError> for PushError {
    fn from(error: LongRowError) -> Self {
        match error {
            LongRowError::Read(error) => Self::Read(error),
            LongRowError::Sink(error) => Self::Write(error),
        }
    }
}

/// Writes rows.
pub struct RowWriter<W: Write + Send> {
    kind: Kind<W>,
    rows: u64,
}

enum Kind<W: Write + Send> {
    Columns(Box<Columns>, BatchWriter<W>),
    Decoded(BatchWriter<W>),
    Delimited(Box<delimited::Writer<W>>),
    Jsonl(Box<jsonl::Writer<W>>),
    Text(W),
}

impl<W: Write + Send> RowWriter<W> {
    /// A writer of rows that a plan was made of. Formats without columns ask nothing of it but
    /// which columns were named, and of delimited rows the types.
    ///
    /// # Errors
    /// What writing meets.
    pub fn new(to: W, check: &RowCheck, plan: &Plan) -> Result<Self, PushError> {
        let delimited = |to, separator| {
            let writer = delimited::Writer::new(to, separator, plan)?;
            Ok::<_, PushError>(Kind::Delimited(Box::new(writer)))
        };
        let kind = match check.format {
            OutputFormat::Csv => delimited(to, b',')?,
            OutputFormat::Tsv => delimited(to, b'\t')?,
            OutputFormat::Jsonl => Kind::Jsonl(Box::new(jsonl::Writer::new(to, plan, check.nan))),
            OutputFormat::Text => Kind::Text(to),
            format @ (OutputFormat::Arrow | OutputFormat::ArrowStream | OutputFormat::Parquet) => {
                let columns = Columns::new(plan);
                let said = Columnar {
                    schema: Arc::clone(columns.schema()),
                    metadata: Vec::new(),
                    repeated: Vec::new(),
                    unread: Vec::new(),
                };
                let writer = BatchWriter::new(to, format, &said)?;
                Kind::Columns(Box::new(columns), writer)
            }
        };
        Ok(Self { kind, rows: 0 })
    }

    /// A writer of decoded columns.
    ///
    /// # Errors
    /// What writing meets, and the [`Refusal`] of a column whose type the format has not.
    pub fn of_decoded(to: W, format: OutputFormat, columns: &Columnar) -> Result<Self, PushError> {
        Ok(Self {
            kind: Kind::Decoded(BatchWriter::new(to, format, columns)?),
            rows: 0,
        })
    }

    /// How many rows were written.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes a row.
    ///
    /// # Errors
    /// What writing meets, and why the row cannot be written.
    pub fn push(&mut self, shape: &Shape, row: &[u8]) -> Result<(), PushError> {
        match &mut self.kind {
            Kind::Columns(columns, writer) => {
                if let Some(batch) = columns.push(shape, row)? {
                    writer.write(&batch)?;
                }
            }
            Kind::Decoded(_) => return Err(io::Error::from(io::ErrorKind::InvalidInput).into()),
            Kind::Delimited(writer) => writer.push(shape, row)?,
            Kind::Jsonl(writer) => writer.push(shape, row)?,
            Kind::Text(to) => text_line(to, shape, row)?,
        }
        self.rows += 1;
        Ok(())
    }

    /// Whether a long row of a shape is copied as it is, without being taken into memory.
    pub fn copies(&self, shape: &Shape, plan: &Plan) -> bool {
        match &self.kind {
            Kind::Jsonl(_) => *shape == Shape::Json && !plan.is_fixed(),
            Kind::Text(_) => *shape == Shape::Text,
            _ => false,
        }
    }

    /// Writes a long row that is copied as it is.
    ///
    /// # Errors
    /// What reading and writing meet.
    pub fn push_long(&mut self, row: &LongRow) -> Result<(), PushError> {
        match &mut self.kind {
            Kind::Jsonl(writer) => writer.copy(|each| Ok(row.each(each)?))?,
            Kind::Text(to) => {
                row.each(&mut |piece| to.write_all(piece))?;
                to.write_all(b"\n")?;
            }
            _ => return Err(io::Error::from(io::ErrorKind::InvalidInput).into()),
        }
        self.rows += 1;
        Ok(())
    }

    /// Writes rows of JSON that each end with a newline, as they are.
    ///
    /// # Errors
    /// What writing meets.
    pub fn push_lines(&mut self, lines: &[u8], rows: u64) -> Result<(), PushError> {
        match &mut self.kind {
            Kind::Jsonl(writer) => writer.write(lines)?,
            _ => return Err(io::Error::from(io::ErrorKind::InvalidInput).into()),
        }
        self.rows += rows;
        Ok(())
    }

    /// Writes decoded rows, whose columns are those that the writer was made for.
    ///
    /// # Errors
    /// What writing meets.
    pub fn push_decoded(&mut self, rows: &RecordBatch) -> Result<(), PushError> {
        match &mut self.kind {
            Kind::Decoded(writer) => writer.write(rows)?,
            _ => return Err(io::Error::from(io::ErrorKind::InvalidInput).into()),
        }
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    /// Writes what is left, and gives back where to.
    ///
    /// # Errors
    /// What writing meets.
    pub fn finish(self) -> Result<W, PushError> {
        Ok(match self.kind {
            Kind::Columns(mut columns, mut writer) => {
                if let Some(batch) = columns.take()? {
                    writer.write(&batch)?;
                }
                writer.finish()?
            }
            Kind::Decoded(writer) => writer.finish()?,
            Kind::Delimited(writer) => writer.into_inner(),
            Kind::Jsonl(writer) => writer.into_inner(),
            Kind::Text(to) => to,
        })
    }
}

/// The text of a row on a line. JSON has line breaks only between its parts; a carriage return at
/// the end of a line is kept by another that belongs to the newline.
fn text_line(to: &mut impl Write, shape: &Shape, row: &[u8]) -> io::Result<()> {
    let has_break = *shape == Shape::Json && memchr::memchr2(b'\n', b'\r', row).is_some();
    match has_break {
        true => {
            let bytes = row.iter().map(|b| match b {
                b'\n' | b'\r' => b' ',
                other => *other,
            });
            to.write_all(&bytes.collect::<Vec<u8>>())?;
        }
        false => to.write_all(row)?,
    }
    if row.last() == Some(&b'\r') && !has_break {
        to.write_all(b"\r")?;
    }
    to.write_all(b"\n")
}
