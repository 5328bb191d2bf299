//! Pre-check of a Parquet footer, before a library decodes it. It refuses encryption and excessive
//! nesting.

use parquet::file::metadata::ParquetMetaData;
use parquet::file::metadata::ParquetMetaDataReader;

use crate::inspect::format::parquet_footer::MAGIC;
use crate::inspect::format::parquet_footer::exactly;
use crate::inspect::table::TableError;
use crate::inspect::table::columnar::thrift::CompactReader;
use crate::inspect::table::columnar::thrift::FieldType;
use crate::inspect::table::columnar::thrift::ThriftError;
use crate::inspect::table::guarded_call::guarded;
use crate::read_at::ReadAt;
use crate::wire::limits::PARQUET_FOOTER_BYTES_MAX;
use crate::wire::limits::PARQUET_SCHEMA_ELEMENTS_MAX;

/// Nesting limit of a schema.
const SCHEMA_LEVELS_MAX: usize = 64;
/// Nesting limit of the footer's own structs.
const FOOTER_DEPTH_MAX: u32 = 32;

pub(super) fn read_footer(source: &dyn ReadAt) -> Result<ParquetMetaData, TableError> {
    let damaged = |why: &str| TableError::Damaged(why.to_owned());
    let end = source.len().checked_sub(8);
    let end = end.ok_or_else(|| damaged("it is too short for a footer"))?;
    let tail = exactly(source, end, 8).ok_or(TableError::Shrunk)?;
    let (length, magic) = tail.split_first_chunk::<4>().ok_or(TableError::Shrunk)?;
    if magic == b"PARE" {
        return Err(encrypted());
    }
    if magic != MAGIC {
        return Err(damaged("it does not end as a Parquet file"));
    }
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let start = end.checked_sub(length as u64);
    let start = start.ok_or_else(|| damaged("its footer is longer than the file"))?;
    if length > PARQUET_FOOTER_BYTES_MAX {
        return Err(TableError::Limit(format!(
            "its footer has more than {PARQUET_FOOTER_BYTES_MAX} bytes (`parquet_footer_bytes_max`)"
        )));
    }
    let bytes = exactly(source, start, length).ok_or(TableError::Shrunk)?;
    match names_encryption(&bytes) {
        Ok(true) => return Err(encrypted()),
        Ok(false) => {}
        Err(FooterRefusal::Elements) => {
            return Err(TableError::Limit(format!(
                "its schema has more than {PARQUET_SCHEMA_ELEMENTS_MAX} elements (`parquet_schema_elements_max`)"
            )));
        }
        Err(FooterRefusal::Levels) => {
            return Err(TableError::Limit(format!(
                "its schema has more than {SCHEMA_LEVELS_MAX} levels"
            )));
        }
        Err(FooterRefusal::Bad) => return Err(damaged("its footer is no footer")),
    }
    guarded(|| ParquetMetaDataReader::decode_metadata(&bytes))
}

/// Reasons for refusing a footer.
enum FooterRefusal {
    Bad,
    Elements,
    Levels,
}

impl From<ThriftError> for FooterRefusal {
    fn from(_: ThriftError) -> Self {
        Self::Bad
    }
}

fn encrypted() -> TableError {
    TableError::Unsupported("it is encrypted".to_owned())
}

/// Returns true if `FileMetaData` names an encryption (field 8). A schema (field 2) beyond the
/// limits of levels or fields is an error.
fn names_encryption(footer: &[u8]) -> Result<bool, FooterRefusal> {
    let mut compact = CompactReader::new(footer);
    let (mut last, mut is_encrypted) = (0, false);
    while let Some((number, kind)) = compact.field(&mut last)? {
        is_encrypted |= number == 8;
        match (number, kind) {
            (2, FieldType::LIST) => check_schema(&mut compact)?,
            _ => compact.skip(kind, FOOTER_DEPTH_MAX)?,
        }
    }
    Ok(is_encrypted)
}

/// Checks the schema's elements: a depth-first list, each with its number of children (field 5).
fn check_schema(compact: &mut CompactReader<'_>) -> Result<(), FooterRefusal> {
    let (length, kind) = compact.list()?;
    if kind != FieldType::STRUCT {
        return Err(FooterRefusal::Bad);
    }
    if length > PARQUET_SCHEMA_ELEMENTS_MAX as u64 {
        return Err(FooterRefusal::Elements);
    }
    let mut open: Vec<i64> = Vec::new();
    for _ in 0..length {
        let (mut last, mut children) = (0, 0);
        while let Some((number, kind)) = compact.field(&mut last)? {
            match number {
                5 if kind.is_integer() => children = compact.integer()?,
                _ => compact.skip(kind, FOOTER_DEPTH_MAX)?,
            }
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > SCHEMA_LEVELS_MAX {
            return Err(FooterRefusal::Levels);
        }
    }
    Ok(())
}
