//! The description of a segment, as JSON: columns, parts and origin.

use serde::Deserialize;
use serde::Serialize;

use crate::features::limits::COLUMNS_MAX;
use crate::features::limits::PARTS_MAX;
use crate::features::schema::ColumnSpec;
use crate::features::schema::DataType;
use crate::features::schema::TableSchema;
use crate::features::segment::cell::CELL_BYTES;
use crate::features::segment::head::HEAD_BYTES;
use crate::features::segment::row_layout::RowLayout;
use crate::features::segment::row_layout::Storage;

/// The place that the rows of a segment came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Origin {
    /// The name of the table.
    pub table: String,
    /// The partition, such as `2024-01-14`; the version of a dataset.
    pub partition: Option<String>,
    /// The content id of the dataset.
    pub content_id: Option<String>,
    /// The public key of the dataset's publisher, in hex.
    pub publisher: Option<String>,
    /// Hash of the names, sizes and validators of the files, and of the configuration of the table.
    pub fingerprint: String,
    /// The time of the load, in microseconds since 1970-01-01 UTC.
    pub loaded_at: i64,
}

/// A column, and the way in which its values stand in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnDescription {
    name: String,
    r#type: String,
    nullable: bool,
    strict: bool,
    /// Room for the bytes of a text in the row itself; `None` for texts in the heap, and for other types.
    #[serde(skip_serializing_if = "Option::is_none")]
    inline: Option<usize>,
    /// True if a value is null.
    nulls: bool,
}

/// A part: the rows of a range of hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// The offset of its cells in the file. Rows and heap follow, each at a multiple of 64.
    pub(crate) at: u64,
    /// The number of its cells.
    pub(crate) cells: u64,
    /// The number of its rows.
    pub(crate) rows: u64,
    /// The bytes of its heap.
    pub(crate) heap: u64,
}

/// Alignment of cells, rows and heap: a cache line.
const ALIGNMENT: u64 = 64;

impl Part {
    fn aligned(at: u64) -> Option<u64> {
        at.checked_next_multiple_of(ALIGNMENT)
    }

    /// Returns the offset of the rows.
    pub(crate) fn rows_at(&self) -> Option<u64> {
        let bytes = self.cells.checked_mul(CELL_BYTES as u64)?;
        Self::aligned(self.at.checked_add(bytes)?)
    }

    /// Returns the offset of the heap.
    pub(crate) fn heap_at(&self, row_bytes: usize) -> Option<u64> {
        let bytes = self.rows.checked_mul(row_bytes as u64)?;
        Self::aligned(self.rows_at()?.checked_add(bytes)?)
    }

    /// Returns the offset behind the heap.
    pub(crate) fn end(&self, row_bytes: usize) -> Option<u64> {
        Self::aligned(self.heap_at(row_bytes)?.checked_add(self.heap)?)
    }
}

/// The description of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    pub(crate) origin: Origin,
    pub(crate) columns: Vec<ColumnDescription>,
    pub(crate) key: Vec<String>,
    pub(crate) timestamp: Option<String>,
    pub(crate) row_bytes: usize,
    pub(crate) rows: u64,
    /// The seed of the hash, in hex.
    pub(crate) seed: String,
    /// Rows that a later one replaced.
    pub(crate) duplicates: u64,
    /// Rows without a key, which were left out.
    pub(crate) null_keys: u64,
    pub(crate) parts: Vec<Part>,
}

impl ColumnDescription {
    /// Describes a column that is stored in a way.
    pub(crate) fn new(column: &ColumnSpec, storage: Storage, nulls: bool) -> Self {
        Self {
            name: column.name.clone(),
            r#type: column.data_type.to_string(),
            nullable: column.is_nullable,
            strict: column.is_strict,
            inline: match storage {
                Storage::Inline(room) => Some(room),
                Storage::Fixed(_) | Storage::Heap => None,
            },
            nulls,
        }
    }

    fn storage(&self, data_type: DataType) -> Storage {
        match (data_type.width(), self.inline) {
            (Some(width), _) => Storage::Fixed(width),
            (None, Some(room)) => Storage::Inline(room),
            (None, None) => Storage::Heap,
        }
    }
}

impl Description {
    /// Checks everything against each other and the length of the rows' area, and returns schema, layout and seed.
    ///
    /// # Errors
    /// The difference, in words.
    pub(crate) fn check(
        &self,
        data_end: u64,
    ) -> Result<(TableSchema, RowLayout, [u8; 16]), &'static str> {
        const WRONG: &str = "its description contradicts itself";
        if self.columns.len() > COLUMNS_MAX || self.parts.len() > PARTS_MAX as usize {
            return Err(WRONG);
        }
        let mut columns = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let data_type: DataType = column.r#type.parse().map_err(|_| WRONG)?;
            if column
                .inline
                .is_some_and(|room| room > usize::from(u8::MAX))
            {
                return Err(WRONG);
            }
            columns.push(ColumnSpec {
                name: column.name.clone(),
                data_type,
                is_nullable: column.nullable,
                is_strict: column.strict,
            });
        }
        let schema = TableSchema::new(columns, &self.key, self.timestamp.as_deref());
        let schema = schema.map_err(|_| WRONG)?;
        let storage = |place: usize| {
            let column = self.columns.get(place).zip(schema.columns().get(place));
            column.map_or(Storage::Fixed(0), |(c, spec)| c.storage(spec.data_type))
        };
        let has_nulls = |place: usize| self.columns.get(place).is_some_and(|c| c.nulls);
        let layout = RowLayout::arrange(&schema, storage, has_nulls).map_err(|_| WRONG)?;
        let mut at = HEAD_BYTES as u64;
        let mut rows = 0_u64;
        let cells = self.parts.first().map_or(0, |part| part.cells);
        for part in &self.parts {
            let is_whole = part.at == at
                && part.cells == cells
                && part.cells > 0
                && part.rows <= u64::from(u32::MAX);
            let end = part.end(layout.bytes).filter(|_| is_whole);
            at = end.filter(|end| *end <= data_end).ok_or(WRONG)?;
            rows = rows.checked_add(part.rows).ok_or(WRONG)?;
        }
        let seed = crate::ident::from_hex(&self.seed).ok_or(WRONG)?;
        let is_whole = at == data_end && rows == self.rows && layout.bytes == self.row_bytes;
        match is_whole && !self.parts.is_empty() {
            true => Ok((schema, layout, seed)),
            false => Err(WRONG),
        }
    }
}
