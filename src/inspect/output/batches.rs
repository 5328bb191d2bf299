//! Parquet writer with row groups of bounded size, and Arrow IPC writer.

use std::io;
use std::io::Write;

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::inspect::output::OutputFormat;
use crate::inspect::output::PushError;
use crate::inspect::output::parquet_types::as_stored;
use crate::inspect::output::parquet_types::stored_schema;
use crate::inspect::table::Columnar;

/// Encoded bytes per row group.
const GROUP_BYTES: usize = 64 << 20;

pub(super) enum BatchWriter<W: Write + Send> {
    /// With the schema of the file, if it differs from that of the rows.
    Parquet(Box<ArrowWriter<W>>, Option<SchemaRef>),
    File(Box<FileWriter<W>>),
    Stream(Box<StreamWriter<W>>),
}

impl<W: Write + Send> BatchWriter<W> {
    /// Creates a writer for rows of these columns.
    pub(super) fn new(to: W, format: OutputFormat, columns: &Columnar) -> Result<Self, PushError> {
        let schema = &columns.schema;
        Ok(match format {
            OutputFormat::Arrow => {
                Self::File(Box::new(FileWriter::try_new(to, schema).map_err(of_arrow)?))
            }
            OutputFormat::ArrowStream => Self::Stream(Box::new(
                StreamWriter::try_new(to, schema).map_err(of_arrow)?,
            )),
            _ => {
                let stored = stored_schema(schema)?;
                let pairs = columns.metadata.iter();
                let mut pairs: Vec<KeyValue> = pairs
                    .map(|(key, value)| KeyValue {
                        key: key.clone(),
                        value: value.clone(),
                    })
                    .collect();
                // Metadata of the Arrow schema goes into the key-value pairs of the file.
                let mut schema_pairs: Vec<_> = schema.metadata.iter().collect();
                schema_pairs.sort_unstable();
                for (key, value) in schema_pairs {
                    if pairs.iter().all(|pair| pair.key != *key) {
                        pairs.push(KeyValue::new(key.clone(), value.clone()));
                    }
                }
                let properties = WriterProperties::builder()
                    .set_compression(Compression::SNAPPY)
                    .set_created_by(concat!("alimentar ", env!("CARGO_PKG_VERSION")).to_owned())
                    .set_key_value_metadata(Some(pairs))
                    .build();
                let of_file = stored.as_ref().unwrap_or(schema).clone();
                let made = ArrowWriter::try_new(to, of_file, Some(properties));
                Self::Parquet(Box::new(made.map_err(of_parquet)?), stored)
            }
        })
    }

    pub(super) fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        match self {
            Self::Parquet(to, stored) => {
                match stored {
                    None => to.write(rows).map_err(of_parquet)?,
                    Some(schema) => {
                        let rows = as_stored(rows, schema)?;
                        to.write(&rows).map_err(of_parquet)?;
                    }
                }
                if to.in_progress_size() >= GROUP_BYTES {
                    to.flush().map_err(of_parquet)?;
                }
                Ok(())
            }
            Self::File(to) => to.write(rows).map_err(of_arrow),
            Self::Stream(to) => to.write(rows).map_err(of_arrow),
        }
    }

    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::Parquet(to, _) => to.into_inner().map_err(of_parquet),
            Self::File(to) => to.into_inner().map_err(of_arrow),
            Self::Stream(to) => to.into_inner().map_err(of_arrow),
        }
    }
}

fn of_parquet(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(io) => *io,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

fn of_arrow(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, source) => source,
        other => io::Error::other(other),
    }
}
