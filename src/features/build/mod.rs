//! Rows to a segment, in bounded memory.
//!
//! Threads read batches, encode their rows as records and spread these over parts by the hash of the key
//! (`read.rs`, `columns.rs`, `encode.rs`, `spill.rs`). Then threads take the parts: they sort the records, drop those
//! that a later one replaces, and lay out cells, rows and texts (`extent.rs`), which are written one part after the
//! other (`write.rs`). Records that have no room in memory wait in a file.

mod columns;
mod encode;
mod extent;
mod read;
mod spill;
mod write;

use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;

pub(crate) use crate::features::build::columns::little_endian;
use crate::features::build::encode::Encoder;
use crate::features::build::extent::write_parts;
use crate::features::build::read::Inputs;
use crate::features::build::read::read_inputs;
use crate::features::build::spill::Spill;
use crate::features::build::spill::SpillBuffers;
use crate::features::error::FeatureError;
use crate::features::limits::PARTS_MAX;
use crate::features::limits::TABLE_ROWS_MAX;
use crate::features::schema::ColumnSpec;
use crate::features::schema::TableSchema;
use crate::features::segment::Origin;
use crate::locks::threads;
use crate::progress::Progress;
use crate::read_at::ReadAt;

/// A file of a partition.
#[derive(Clone)]
pub struct BuildInput {
    /// The name, for messages.
    pub name: String,
    /// The bytes.
    pub source: Arc<dyn ReadAt>,
}

/// The table that a segment is built for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BuildOptions {
    /// The columns; none for those of the first file.
    pub columns: Vec<ColumnSpec>,
    /// The names of the columns of the key.
    pub key: Vec<String>,
    /// The name of the column with the time of a row.
    pub timestamp: Option<String>,
    /// Hash partitions, which are built in parallel. There are more of them where the memory needs it.
    pub parts: u32,
    /// Bytes of memory for records that wait and for sorting.
    pub memory_bytes: u64,
    /// The origin of the rows.
    pub origin: Origin,
}

impl BuildOptions {
    /// Returns options for a key, with the columns of the first file.
    pub fn new(key: &[String]) -> Self {
        Self {
            columns: Vec::new(),
            key: key.to_vec(),
            timestamp: None,
            parts: 8,
            memory_bytes: 256 << 20,
            origin: Origin::default(),
        }
    }
}

/// The result of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildReport {
    /// Rows in the segment.
    pub rows: u64,
    /// Rows that a later one of the same key replaced.
    pub duplicates: u64,
    /// Rows without a key, which are left out.
    pub null_keys: u64,
    /// Columns of types that no table has, which are left out.
    pub left_out: Vec<String>,
    /// Bytes of the segment.
    pub bytes: u64,
}

/// Builds a segment at a path, from files in an order in which a later row of a key replaces an earlier one. The
/// file appears whole and durable, or not at all.
///
/// # Errors
/// [`FeatureError`].
pub fn build_segment(
    path: &Path,
    inputs: &[BuildInput],
    options: &BuildOptions,
    progress: &dyn Progress,
) -> Result<BuildReport, FeatureError> {
    let inputs = Inputs::open(inputs, options)?;
    let seed = new_seed()?;
    let encoder = Encoder::new(&inputs.schema, seed)?;
    let parts = part_count(inputs.rows, &encoder, options)?;
    let spill = Spill::new(path, parts, options.memory_bytes / 2);
    progress.phase("read rows", Some(inputs.bytes));
    read_inputs(&inputs, &encoder, &spill, progress)?;
    let mut report = write_parts(path, (&encoder, seed), &spill, options, progress)?;
    report.left_out = inputs.left_out;
    Ok(report)
}

/// Builds a segment of batches in memory that have the columns of a table, in an order in which a later row of a key
/// replaces an earlier one.
///
/// # Errors
/// As [`build_segment`].
pub(crate) fn build_of_batches(
    path: &Path,
    schema: &TableSchema,
    batches: impl Iterator<Item = Result<RecordBatch, FeatureError>>,
    options: &BuildOptions,
    progress: &dyn Progress,
) -> Result<BuildReport, FeatureError> {
    let seed = new_seed()?;
    let encoder = Encoder::new(schema, seed)?;
    let parts = options.parts.clamp(1, PARTS_MAX);
    let spill = Spill::new(path, parts, options.memory_bytes / 2);
    let mut buffers = SpillBuffers::new(&spill);
    for (number, batch) in batches.enumerate() {
        if progress.cancelled() {
            return Err(FeatureError::Interrupted);
        }
        let mismatch = |why| FeatureError::Mismatch {
            file: options.origin.table.clone(),
            why,
        };
        let order = encode::Order::new(0, number as u64);
        encoder
            .encode(&batch?, order.ok_or_else(too_many_rows)?, &mut buffers)?
            .map_err(mismatch)?;
    }
    buffers.finish()?;
    write_parts(path, (&encoder, seed), &spill, options, progress)
}

fn new_seed() -> Result<[u8; 16], FeatureError> {
    let mut seed = [0; 16];
    let filled = getrandom::fill(&mut seed);
    filled.map_err(|e| {
        FeatureError::file(
            "read random bytes for",
            Path::new("a segment"),
            std::io::Error::other(e),
        )
    })?;
    Ok(seed)
}

fn too_many_rows() -> FeatureError {
    FeatureError::Limit {
        what: "the number of rows".to_owned(),
        limit: format!("{TABLE_ROWS_MAX} rows"),
    }
}

/// Returns the number of parts: that of the options, or so many that each thread sorts one in its share of the memory.
fn part_count(rows: u64, encoder: &Encoder, options: &BuildOptions) -> Result<u32, FeatureError> {
    /// Bytes that sorting needs for each byte of the records: these, their places, and the laid-out rows.
    const SORTING: u64 = 3;
    /// Bytes that the texts of a row have, while nobody knows.
    const TEXTS: u64 = 32;
    if rows > TABLE_ROWS_MAX {
        return Err(too_many_rows());
    }
    let record = encoder.record_bytes() as u64 + TEXTS * encoder.texts() as u64;
    let share = options.memory_bytes / 2 / threads() as u64 / SORTING;
    let wanted = rows.saturating_mul(record) / share.max(1) + 1;
    let wanted = u32::try_from(wanted).unwrap_or(PARTS_MAX);
    Ok(options.parts.max(wanted).clamp(1, PARTS_MAX))
}
