//! Files of columns: Parquet, in row groups of bounded size, and Arrow IPC.

use std::io;
use std::io::Write;

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;
use arrow_schema::Schema;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::inspect::output::OutputFormat;
use crate::inspect::output::PushError;
use crate::inspect::output::Refusal;
use crate::inspect::table::Columnar;

/// Encoded bytes of a row group.
const GROUP_BYTES: usize = 64 << 20;

pub(super) enum BatchWriter<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    File(Box<FileWriter<W>>),
    Stream(Box<StreamWriter<W>>),
}

impl<W: Write + Send> BatchWriter<W> {
    /// For rows of these columns.
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
                look_for_types(schema)?;
                let pairs = columns.metadata.iter();
                let pairs = pairs.map(|(key, value)| KeyValue {
                    key: key.clone(),
                    value: value.clone(),
                });
                let properties = WriterProperties::builder()
                    .set_compression(Compression::SNAPPY)
                    .set_created_by(concat!("alimentar ", env!("CARGO_PKG_VERSION")).to_owned())
                    .set_key_value_metadata(Some(pairs.collect()))
                    .build();
                let made = ArrowWriter::try_new(to, schema.clone(), Some(properties));
                Self::Parquet(Box::new(made.map_err(of_parquet)?))
            }
        })
    }

    pub(super) fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        match self {
            Self::Parquet(to) => {
                to.write(rows).map_err(of_parquet)?;
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
            Self::Parquet(to) => to.into_inner().map_err(of_parquet),
            Self::File(to) => to.into_inner().map_err(of_arrow),
            Self::Stream(to) => to.into_inner().map_err(of_arrow),
        }
    }
}

/// Whether Parquet has all types of a schema; the column that it has not is named.
fn look_for_types(schema: &Schema) -> Result<(), Refusal> {
    for field in schema.fields() {
        let alone = Schema::new(vec![field.clone()]);
        if let Err(error) = ArrowSchemaConverter::new().convert(&alone) {
            let why = format!("Parquet has no type for {} ({error})", field.data_type());
            return Err(Refusal::of_column(field.name(), why));
        }
    }
    Ok(())
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
