//! Rows into files: JSON Lines, CSV, TSV, Parquet, or lines as they are. Where the columns have
//! to be known before the first row is written, a [`Plan`] is made of all rows first.

mod delimited;
mod jsonl;
mod parquet;
mod plan;
#[cfg(test)]
mod tests;

use std::io;
use std::io::Write;

pub use plan::ColumnKind;
pub use plan::Plan;

use crate::inspect::table::Shape;

/// What rows are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
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
            "csv" => Self::Csv,
            "jsonl" | "ndjson" | "jsonlines" => Self::Jsonl,
            "parquet" => Self::Parquet,
            "txt" | "text" => Self::Text,
            "tsv" | "tab" => Self::Tsv,
            _ => return None,
        })
    }

    /// The format whose rows are most like those of a shape.
    pub fn of_shape(shape: &Shape) -> Self {
        match shape {
            Shape::Delimited(header) if header.separator == b'\t' => Self::Tsv,
            Shape::Delimited(_) => Self::Csv,
            Shape::Json => Self::Jsonl,
            Shape::Text => Self::Text,
        }
    }

    /// The ending of files of the format, without a dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::Text => "txt",
            Self::Tsv => "tsv",
        }
    }

    /// Whether columns have to be known before the first row is written.
    pub fn needs_plan(self) -> bool {
        matches!(self, Self::Csv | Self::Parquet | Self::Tsv)
    }
}

/// Writes rows.
pub struct RowWriter<W: Write + Send> {
    kind: Kind<W>,
    rows: u64,
}

enum Kind<W: Write + Send> {
    Delimited(delimited::Writer<W>),
    Jsonl(jsonl::Writer<W>),
    Parquet(Box<parquet::Writer<W>>),
    Text(W),
}

impl<W: Write + Send> RowWriter<W> {
    /// A writer of rows that a plan was made of; formats without columns ask nothing of it.
    ///
    /// # Errors
    /// What writing meets.
    pub fn new(to: W, format: OutputFormat, plan: &Plan) -> io::Result<Self> {
        let kind = match format {
            OutputFormat::Csv => Kind::Delimited(delimited::Writer::new(to, b',', plan)?),
            OutputFormat::Jsonl => Kind::Jsonl(jsonl::Writer::new(to)),
            OutputFormat::Parquet => Kind::Parquet(Box::new(parquet::Writer::new(to, plan)?)),
            OutputFormat::Text => Kind::Text(to),
            OutputFormat::Tsv => Kind::Delimited(delimited::Writer::new(to, b'\t', plan)?),
        };
        Ok(Self { kind, rows: 0 })
    }

    /// How many rows were written.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes a row.
    ///
    /// # Errors
    /// What writing meets; [`io::ErrorKind::InvalidData`] for a row that is malformed where its
    /// columns are needed.
    pub fn push(&mut self, shape: &Shape, row: &[u8]) -> io::Result<()> {
        match &mut self.kind {
            Kind::Delimited(writer) => writer.push(shape, row)?,
            Kind::Jsonl(writer) => writer.push(shape, row)?,
            Kind::Parquet(writer) => writer.push(shape, row)?,
            Kind::Text(to) => {
                to.write_all(row)?;
                to.write_all(b"\n")?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Writes what is left, and gives back where to.
    ///
    /// # Errors
    /// What writing meets.
    pub fn finish(self) -> io::Result<W> {
        match self.kind {
            Kind::Delimited(writer) => Ok(writer.into_inner()),
            Kind::Jsonl(writer) => Ok(writer.into_inner()),
            Kind::Parquet(writer) => writer.finish(),
            Kind::Text(to) => Ok(to),
        }
    }
}

/// The error for a row that is no row.
fn malformed() -> io::Error {
    let why = "a row is malformed; `inspect lint` tells which";
    io::Error::new(io::ErrorKind::InvalidData, why)
}
