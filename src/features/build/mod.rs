//! Rows to a segment, in bounded memory.
//!
//! Threads read batches, encode their rows as records and spread these over parts by the hash of the key
//! (`read.rs`, `columns.rs`, `encode.rs`, `spill.rs`). Then threads take the parts: they sort the records, drop those
//! that a later one replaces, and lay out cells, rows and texts (`extent.rs`), which are written one part after the
//! other (`write.rs`). Records that have no room in memory wait in a file.

mod columns;
mod encode;
mod extent;
mod options;
mod read;
mod spill;
mod write;

use std::path::Path;

use arrow_array::RecordBatch;

pub(crate) use crate::features::build::columns::little_endian;
use crate::features::build::encode::Encoder;
use crate::features::build::extent::write_parts;
pub use crate::features::build::options::BuildInput;
pub use crate::features::build::options::BuildOptions;
pub use crate::features::build::options::BuildReport;
use crate::features::build::options::too_many_rows;
use crate::features::build::read::Inputs;
use crate::features::build::read::read_inputs;
use crate::features::build::spill::Spill;
use crate::features::build::spill::SpillBuffers;
use crate::features::error::FeatureError;
use crate::features::limits::PARTS_MAX;
use crate::features::limits::TABLE_ROWS_MAX;
use crate::features::schema::TableSchema;
use crate::locks::threads;
use crate::progress::Progress;

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
