//! The writer of rows in any output format.

use std::io;
use std::io::Write;
use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::inspect::output::OutputFormat;
use crate::inspect::output::OutputPlan;
use crate::inspect::output::PushError;
use crate::inspect::output::RowCheck;
use crate::inspect::output::batches::BatchWriter;
use crate::inspect::output::columns::BatchBuilder;
use crate::inspect::output::delimited;
use crate::inspect::output::jsonl;
use crate::inspect::table::Columnar;
use crate::inspect::table::LongRow;
use crate::inspect::table::Shape;

/// Writer of rows.
pub struct RowWriter<W: Write + Send> {
    kind: FormatWriter<W>,
    rows: u64,
}

enum FormatWriter<W: Write + Send> {
    Columns(Box<BatchBuilder>, BatchWriter<W>),
    Decoded(BatchWriter<W>),
    Delimited(Box<delimited::DelimitedWriter<W>>),
    Jsonl(Box<jsonl::JsonlWriter<W>>),
    Text(W),
}

impl<W: Write + Send> RowWriter<W> {
    /// Creates a writer for the rows of a plan. Formats without columns use only the selected
    /// columns of the plan, and for delimited rows their types.
    ///
    /// # Errors
    /// I/O errors of the writer.
    pub fn new(to: W, check: &RowCheck, plan: &OutputPlan) -> Result<Self, PushError> {
        let delimited = |to, separator| {
            let writer = delimited::DelimitedWriter::new(to, separator, plan)?;
            Ok::<_, PushError>(FormatWriter::Delimited(Box::new(writer)))
        };
        let kind = match check.format {
            OutputFormat::Csv => delimited(to, b',')?,
            OutputFormat::Tsv => delimited(to, b'\t')?,
            OutputFormat::Jsonl => {
                FormatWriter::Jsonl(Box::new(jsonl::JsonlWriter::new(to, plan, check.nan)))
            }
            OutputFormat::Text => FormatWriter::Text(to),
            format @ (OutputFormat::Arrow | OutputFormat::ArrowStream | OutputFormat::Parquet) => {
                let columns = BatchBuilder::new(plan);
                let columnar = Columnar {
                    schema: Arc::clone(columns.schema()),
                    metadata: Vec::new(),
                    repeated: Vec::new(),
                    unread: Vec::new(),
                };
                let writer = BatchWriter::new(to, format, &columnar)?;
                FormatWriter::Columns(Box::new(columns), writer)
            }
        };
        Ok(Self { kind, rows: 0 })
    }

    /// Creates a writer for decoded columns.
    ///
    /// # Errors
    /// I/O errors, and the [`Refusal`](crate::inspect::output::Refusal) of a column whose type the format lacks.
    pub fn of_decoded(to: W, format: OutputFormat, columns: &Columnar) -> Result<Self, PushError> {
        Ok(Self {
            kind: FormatWriter::Decoded(BatchWriter::new(to, format, columns)?),
            rows: 0,
        })
    }

    /// Number of rows written.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes a row.
    ///
    /// # Errors
    /// I/O errors, and the reason for refusing the row.
    pub fn push(&mut self, shape: &Shape, row: &[u8]) -> Result<(), PushError> {
        match &mut self.kind {
            FormatWriter::Columns(columns, writer) => {
                if let Some(batch) = columns.push(shape, row)? {
                    writer.write(&batch)?;
                }
            }
            FormatWriter::Decoded(_) => {
                return Err(io::Error::from(io::ErrorKind::InvalidInput).into());
            }
            FormatWriter::Delimited(writer) => writer.push(shape, row)?,
            FormatWriter::Jsonl(writer) => writer.push(shape, row)?,
            FormatWriter::Text(to) => text_line(to, shape, row)?,
        }
        self.rows += 1;
        Ok(())
    }

    /// Returns true if a long row of a shape can be copied without holding it in memory.
    pub fn can_copy(&self, shape: &Shape, plan: &OutputPlan) -> bool {
        match &self.kind {
            FormatWriter::Jsonl(_) => *shape == Shape::Json && !plan.is_fixed(),
            FormatWriter::Text(_) => *shape == Shape::Text,
            _ => false,
        }
    }

    /// Copies a long row unchanged.
    ///
    /// # Errors
    /// I/O errors of reading and writing.
    pub fn push_long(&mut self, row: &LongRow) -> Result<(), PushError> {
        match &mut self.kind {
            FormatWriter::Jsonl(writer) => writer.copy(|each| Ok(row.each(each)?))?,
            FormatWriter::Text(to) => {
                row.each(&mut |piece| to.write_all(piece))?;
                to.write_all(b"\n")?;
            }
            _ => return Err(io::Error::from(io::ErrorKind::InvalidInput).into()),
        }
        self.rows += 1;
        Ok(())
    }

    /// Writes JSON rows unchanged; each ends with a newline.
    ///
    /// # Errors
    /// I/O errors of the writer.
    pub fn push_lines(&mut self, lines: &[u8], rows: u64) -> Result<(), PushError> {
        match &mut self.kind {
            FormatWriter::Jsonl(writer) => writer.write(lines)?,
            _ => return Err(io::Error::from(io::ErrorKind::InvalidInput).into()),
        }
        self.rows += rows;
        Ok(())
    }

    /// Writes decoded rows; their columns must be those given at creation.
    ///
    /// # Errors
    /// I/O errors of the writer.
    pub fn push_decoded(&mut self, rows: &RecordBatch) -> Result<(), PushError> {
        match &mut self.kind {
            FormatWriter::Decoded(writer) => writer.write(rows)?,
            _ => return Err(io::Error::from(io::ErrorKind::InvalidInput).into()),
        }
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    /// Writes the remaining rows, and returns the underlying writer.
    ///
    /// # Errors
    /// I/O errors of the writer.
    pub fn finish(self) -> Result<W, PushError> {
        Ok(match self.kind {
            FormatWriter::Columns(mut columns, mut writer) => {
                if let Some(batch) = columns.take()? {
                    writer.write(&batch)?;
                }
                writer.finish()?
            }
            FormatWriter::Decoded(writer) => writer.finish()?,
            FormatWriter::Delimited(writer) => writer.into_inner(),
            FormatWriter::Jsonl(writer) => writer.into_inner(),
            FormatWriter::Text(to) => to,
        })
    }
}

/// Writes the text of a row on one line. Line breaks of JSON are between tokens. A carriage return
/// at the end of a line is doubled, because readers strip one with the newline.
fn text_line(to: &mut impl Write, shape: &Shape, row: &[u8]) -> io::Result<()> {
    let has_break = *shape == Shape::Json && memchr::memchr2(b'\n', b'\r', row).is_some();
    if has_break {
        let bytes = row.iter().map(|b| match b {
            b'\n' | b'\r' => b' ',
            other => *other,
        });
        to.write_all(&bytes.collect::<Vec<u8>>())?;
    } else {
        to.write_all(row)?
    }
    if row.last() == Some(&b'\r') && !has_break {
        to.write_all(b"\r")?;
    }
    to.write_all(b"\n")
}
