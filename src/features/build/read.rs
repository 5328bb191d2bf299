//! Files of a partition: their schemas, and their rows in batches on several threads.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use arrow_schema::Schema;

use crate::features::build::BuildInput;
use crate::features::build::BuildOptions;
use crate::features::build::encode::Encoder;
use crate::features::build::encode::Order;
use crate::features::build::options::too_many_rows;
use crate::features::build::spill::Spill;
use crate::features::build::spill::SpillBuffers;
use crate::features::error::FeatureError;
use crate::features::schema::ColumnSpec;
use crate::features::schema::TableSchema;
use crate::features::schema::schema_of;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Decoded;
use crate::inspect::table::NextBatch;
use crate::inspect::table::OpenOptions;
use crate::inspect::table::Selection;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::open_table;
use crate::locks::lock;
use crate::locks::threads;
use crate::progress::Progress;

/// The files of a partition, open, with the schema of the table.
pub(super) struct Inputs {
    pub(super) schema: TableSchema,
    /// The number of rows by the footers.
    pub(super) rows: u64,
    /// The bytes of all files.
    pub(super) bytes: u64,
    /// Columns that the table leaves out.
    pub(super) left_out: Vec<String>,
    files: Vec<InputFile>,
}

struct InputFile {
    name: String,
    table: Arc<dyn Table>,
    bytes: u64,
}

impl Inputs {
    /// Opens the files, and compares their schemas with that of the configuration.
    pub(super) fn open(
        inputs: &[BuildInput],
        options: &BuildOptions,
    ) -> Result<Self, FeatureError> {
        let mut found: Option<Self> = None;
        for input in inputs {
            let (file, schema) = InputFile::open(input)?;
            let inputs = match &mut found {
                None => found.insert(Self::of_first(&file.name, &schema, options)?),
                Some(inputs) => {
                    inputs.check(&file.name, &schema)?;
                    inputs
                }
            };
            inputs.rows = inputs.rows.saturating_add(file.table.rows().unwrap_or(0));
            inputs.bytes = inputs.bytes.saturating_add(file.bytes);
            inputs.files.push(file);
        }
        let none = || FeatureError::NoPartition {
            place: options.origin.table.clone(),
            why: "it has no files".to_owned(),
        };
        found.ok_or_else(none)
    }

    fn of_first(name: &str, schema: &Schema, options: &BuildOptions) -> Result<Self, FeatureError> {
        let (of_file, left_out) = schema_of(schema);
        let mut columns = options.columns.clone();
        for column in of_file {
            if !columns.iter().any(|known| known.name == column.name) {
                columns.push(column);
            }
        }
        let is_taken = |name: &String| columns.iter().any(|c| c.name == *name);
        let left_out = left_out
            .into_iter()
            .filter(|name| !is_taken(name))
            .collect();
        let schema = TableSchema::new(columns, &options.key, options.timestamp.as_deref());
        let schema = schema.map_err(|error| FeatureError::Mismatch {
            file: name.to_owned(),
            why: error.to_string(),
        })?;
        let inputs = Self {
            schema,
            rows: 0,
            bytes: 0,
            left_out,
            files: Vec::new(),
        };
        Ok(inputs)
    }

    /// Compares the columns of a further file.
    fn check(&mut self, name: &str, schema: &Schema) -> Result<(), FeatureError> {
        for column in self.schema.columns() {
            if schema.field_with_name(&column.name).is_err() {
                return Err(FeatureError::Mismatch {
                    file: name.to_owned(),
                    why: format!("there is no column `{}`", column.name),
                });
            }
        }
        for field in schema.fields() {
            let is_known = self
                .schema
                .columns()
                .iter()
                .any(|c| c.name == *field.name());
            if !is_known && !self.left_out.contains(field.name()) {
                self.left_out.push(field.name().clone());
            }
        }
        Ok(())
    }
}

impl InputFile {
    fn open(input: &BuildInput) -> Result<(Self, Schema), FeatureError> {
        let failed = |source| FeatureError::Input {
            file: input.name.clone(),
            source,
        };
        let bytes = input.source.len();
        let source = Arc::clone(&input.source);
        let opened = open_table(source, &input.name, OpenOptions::default()).map_err(failed)?;
        let Some(columnar) = opened.table.columnar() else {
            let why = "it is no Parquet file".to_owned();
            return Err(failed(TableError::Unsupported(why)));
        };
        if let Some(name) = columnar.repeated.first() {
            let why = format!("it has two columns `{name}`");
            return Err(failed(TableError::Unsupported(why)));
        }
        let schema = columnar.schema.as_ref().clone();
        let file = Self {
            name: input.name.clone(),
            table: opened.table,
            bytes,
        };
        Ok((file, schema))
    }
}

/// Reads all rows, and stores their records.
pub(super) fn read_inputs(
    inputs: &Inputs,
    encoder: &Encoder,
    spill: &Spill,
    progress: &dyn Progress,
) -> Result<(), FeatureError> {
    let columns: Vec<String> = inputs.schema.columns().iter().map(column_path).collect();
    for (number, file) in inputs.files.iter().enumerate() {
        let selection = Selection {
            columns: columns.clone(),
            decoded: Decoded::Alone,
            ..Selection::default()
        };
        let failed = |source| FeatureError::Input {
            file: file.name.clone(),
            source,
        };
        let batches = Arc::clone(&file.table)
            .batches(&selection)
            .map_err(failed)?;
        let reading = Reading {
            file,
            number: number as u64,
            batches: &*batches,
            encoder,
            progress,
            is_over: AtomicBool::new(false),
            failure: Mutex::new(None),
        };
        std::thread::scope(|scope| {
            for _ in 0..threads() {
                scope.spawn(|| reading.read(spill));
            }
        });
        if let Some(error) = reading.failure.into_inner().unwrap_or_default() {
            return Err(error);
        }
    }
    Ok(())
}

fn column_path(column: &ColumnSpec) -> String {
    column.name.clone()
}

/// The reading of one file by several threads.
struct Reading<'a> {
    file: &'a InputFile,
    number: u64,
    batches: &'a dyn Batches,
    encoder: &'a Encoder,
    progress: &'a dyn Progress,
    is_over: AtomicBool,
    failure: Mutex<Option<FeatureError>>,
}

impl Reading<'_> {
    fn read(&self, spill: &Spill) {
        let mut buffers = SpillBuffers::new(spill);
        let read = self
            .read_batches(&mut buffers)
            .and_then(|()| buffers.finish());
        if let Err(error) = read {
            self.is_over.store(true, Ordering::Relaxed);
            lock(&self.failure).get_or_insert(error);
        }
    }

    fn read_batches(&self, buffers: &mut SpillBuffers<'_>) -> Result<(), FeatureError> {
        let mut batch = Batch::default();
        while !self.is_over.load(Ordering::Relaxed) {
            if self.progress.cancelled() {
                return Err(FeatureError::Interrupted);
            }
            let failed = |source| FeatureError::Input {
                file: self.file.name.clone(),
                source,
            };
            let NextBatch::Batch(number) = self.batches.next(&mut batch).map_err(failed)? else {
                return Ok(());
            };
            let order = Order::new(self.number, number).ok_or_else(too_many_rows)?;
            if let Some(rows) = batch.decoded() {
                let mismatch = |why| FeatureError::Mismatch {
                    file: self.file.name.clone(),
                    why,
                };
                self.encoder
                    .encode(rows, order, buffers)?
                    .map_err(mismatch)?;
            }
            self.progress.advance(batch.bytes_read());
        }
        Ok(())
    }
}
