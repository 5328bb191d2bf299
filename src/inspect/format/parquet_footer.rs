//! Parquet: schema and rows from the footer. Pages are never read.

use arrow_schema::Schema;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::ParquetMetaDataReader;

use crate::panics::caught;
use crate::read_at::ReadAt;
use crate::wire::limits::PARQUET_FOOTER_BYTES_MAX;

/// The first and last bytes of a file.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// The schema and rows of a file; `None` when it is none, damaged, or its footer is encrypted.
pub(crate) fn describe(source: &dyn ReadAt) -> Option<(Schema, u64)> {
    caught(|| footer(source)).ok().flatten()
}

fn footer(source: &dyn ReadAt) -> Option<(Schema, u64)> {
    let end = source.len().checked_sub(8)?;
    let tail = exactly(source, end, 8)?;
    let (length, magic) = tail.split_first_chunk::<4>()?;
    if magic != MAGIC {
        return None;
    }
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if length > PARQUET_FOOTER_BYTES_MAX {
        return None;
    }
    let bytes = exactly(source, end.checked_sub(length as u64)?, length)?;
    let metadata = ParquetMetaDataReader::decode_metadata(&bytes).ok()?;
    let file = metadata.file_metadata();
    let rows = u64::try_from(file.num_rows()).ok()?;
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata()).ok()?;
    Some((schema, rows))
}

/// Exactly these bytes; `None` where the source ends before. Allocates only what is there.
pub(crate) fn exactly(source: &dyn ReadAt, at: u64, length: usize) -> Option<Vec<u8>> {
    if at.checked_add(length as u64)? > source.len() {
        return None;
    }
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|r| !r.is_empty()) {
        match source.read_at(rest, at + filled as u64) {
            Ok(n) if n > 0 => filled += n,
            _ => return None,
        }
    }
    Some(bytes)
}
