//! The footer of a Parquet file, looked at before a library decodes it: an encrypted one, and a
//! schema that is nested without measure, are refused.

use parquet::file::metadata::ParquetMetaData;
use parquet::file::metadata::ParquetMetaDataReader;

use crate::inspect::format::parquet_footer::MAGIC;
use crate::inspect::format::parquet_footer::exactly;
use crate::inspect::table::TableError;
use crate::inspect::table::columnar::guarded;
use crate::inspect::table::columnar::thrift::Bad;
use crate::inspect::table::columnar::thrift::Compact;
use crate::inspect::table::columnar::thrift::Kind;
use crate::read_at::ReadAt;
use crate::wire::limits::PARQUET_FOOTER_BYTES_MAX;
use crate::wire::limits::PARQUET_SCHEMA_ELEMENTS_MAX;

/// Levels of a schema.
const SCHEMA_LEVELS_MAX: usize = 64;
/// Levels of the footer's own structs.
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
    match look(&bytes) {
        Ok(true) => return Err(encrypted()),
        Ok(false) => {}
        Err(Refused::Elements) => {
            return Err(TableError::Limit(format!(
                "its schema has more than {PARQUET_SCHEMA_ELEMENTS_MAX} elements (`parquet_schema_elements_max`)"
            )));
        }
        Err(Refused::Levels) => {
            return Err(TableError::Limit(format!(
                "its schema has more than {SCHEMA_LEVELS_MAX} levels"
            )));
        }
        Err(Refused::Bad) => return Err(damaged("its footer is no footer")),
    }
    guarded(|| ParquetMetaDataReader::decode_metadata(&bytes))
}

/// Why a footer is not decoded.
enum Refused {
    Bad,
    Elements,
    Levels,
}

impl From<Bad> for Refused {
    fn from(_: Bad) -> Self {
        Self::Bad
    }
}

fn encrypted() -> TableError {
    TableError::Unsupported("it is encrypted".to_owned())
}

/// Whether `FileMetaData` names an encryption (field 8). A schema (field 2) with too many levels
/// or fields is wrong.
fn look(footer: &[u8]) -> Result<bool, Refused> {
    let mut compact = Compact::new(footer);
    let (mut last, mut is_encrypted) = (0, false);
    while let Some((number, kind)) = compact.field(&mut last)? {
        is_encrypted |= number == 8;
        match (number, kind) {
            (2, Kind::LIST) => look_at_schema(&mut compact)?,
            _ => compact.skip(kind, FOOTER_DEPTH_MAX)?,
        }
    }
    Ok(is_encrypted)
}

/// The schema's elements are listed in depth-first order, each with how many children it has
/// (field 5).
fn look_at_schema(compact: &mut Compact<'_>) -> Result<(), Refused> {
    let (length, kind) = compact.list()?;
    if kind != Kind::STRUCT {
        return Err(Refused::Bad);
    }
    if length > PARQUET_SCHEMA_ELEMENTS_MAX as u64 {
        return Err(Refused::Elements);
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
            return Err(Refused::Levels);
        }
    }
    Ok(())
}
