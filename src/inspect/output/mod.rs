//! Writing rows, whatever they were read from: as JSON Lines, CSV or Parquet.

mod csv_rows;
mod json_rows;
mod parquet_rows;
mod plan;
#[cfg(test)]
mod tests;

use std::io::Write;

use thiserror::Error;

pub use plan::ColumnKind;
pub use plan::ColumnPlan;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::inspect::output::csv_rows::CsvRows;
use crate::inspect::output::json_rows::JsonRows;
use crate::inspect::output::parquet_rows::ParquetRows;
use crate::inspect::table::Shape;

/// Why rows cannot be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OutputError {
    /// What makes Parquet of them refused them.
    #[error("they cannot be made Parquet: {0}")]
    Columns(String),
    /// The destination failed.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

impl Classify for OutputError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Columns(_) => ErrorKind::Invalid,
            Self::Write(e) => ErrorKind::of_io(e),
        }
    }
}

/// What rows are written as.
#[derive(Clone, Debug)]
pub enum OutputFormat {
    /// A JSON value a line: rows of JSON as they are, others as objects of texts.
    Jsonl,
    /// RFC 4180 with commas and a header; what is nested as JSON. Columns that the plan does not
    /// name are left out.
    Csv(ColumnPlan),
    /// Parquet with Snappy; what is nested as JSON text. Columns that the plan does not name are
    /// left out.
    Parquet(ColumnPlan),
}

/// Writes rows one by one.
pub struct RowWriter<W: Write + Send> {
    rows: Rows<W>,
}

enum Rows<W: Write + Send> {
    Json(JsonRows<W>),
    Csv(CsvRows<W>),
    Parquet(Box<ParquetRows<W>>),
}

impl<W: Write + Send> RowWriter<W> {
    /// A writer to `out`, which should be buffered.
    ///
    /// # Errors
    /// [`OutputError`] as the destination.
    pub fn new(format: OutputFormat, out: W) -> Result<Self, OutputError> {
        let rows = match format {
            OutputFormat::Jsonl => Rows::Json(JsonRows::new(out)),
            OutputFormat::Csv(plan) => Rows::Csv(CsvRows::new(plan, out)?),
            OutputFormat::Parquet(plan) => Rows::Parquet(Box::new(ParquetRows::new(plan, out)?)),
        };
        Ok(Self { rows })
    }

    /// Writes a row of a shape. A row that is malformed is written as far as it can be read; as
    /// JSON Lines as it is.
    ///
    /// # Errors
    /// [`OutputError`] as the destination.
    pub fn row(&mut self, shape: &Shape, row: &[u8]) -> Result<(), OutputError> {
        match &mut self.rows {
            Rows::Json(rows) => rows.row(shape, row),
            Rows::Csv(rows) => rows.row(shape, row),
            Rows::Parquet(rows) => rows.row(shape, row),
        }
    }

    /// Writes what is left, and gives the destination back.
    ///
    /// # Errors
    /// [`OutputError`] as the destination.
    pub fn finish(self) -> Result<W, OutputError> {
        match self.rows {
            Rows::Json(rows) => rows.finish(),
            Rows::Csv(rows) => rows.finish(),
            Rows::Parquet(rows) => rows.finish(),
        }
    }
}
