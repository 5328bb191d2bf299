//! The list of the segments of a table, and its columns.

use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use crate::features::config::TableConfig;
use crate::features::config::check_table_name;
use crate::features::error::FeatureError;
use crate::features::schema::ColumnSpec;
use crate::features::schema::TableSchema;
use crate::features::serving::directory::SEGMENT;
use crate::features::serving::directory::TableDirectory;
use crate::features::table::MemoryMode;

/// Version of the file.
const VERSION: u32 = 1;

/// The segments of a table that clients write to.
#[derive(Clone, Debug)]
pub(in crate::features::serving) struct SegmentList {
    /// The name of the table.
    pub(in crate::features::serving) table: String,
    pub(in crate::features::serving) schema: TableSchema,
    /// The number of the next segment.
    pub(super) next: u64,
    /// Names of files, the newest first.
    pub(in crate::features::serving) segments: Vec<String>,
    /// The number of rows, without those that a later one replaced; `None` where it is not known.
    pub(super) rows: Option<u64>,
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    version: u32,
    table: String,
    key: Vec<String>,
    timestamp: Option<String>,
    columns: Vec<ColumnFile>,
    next: u64,
    segments: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnFile {
    name: String,
    dtype: String,
    nullable: bool,
    strict: bool,
}

impl SegmentList {
    /// Returns the list of a table without rows.
    pub(in crate::features::serving) fn new(table: &str, schema: TableSchema) -> Self {
        Self {
            table: table.to_owned(),
            schema,
            next: 1,
            segments: Vec::new(),
            rows: Some(0),
        }
    }

    /// Reads the list; `None` where there is none.
    pub(in crate::features::serving) fn read(
        directory: &TableDirectory,
    ) -> Result<Option<Self>, FeatureError> {
        let Some(text) = directory.list()? else {
            return Ok(None);
        };
        let damaged = |why| FeatureError::damaged(&directory.file("segments.json"), why);
        let file: ListFile =
            serde_json::from_str(&text).map_err(|_| damaged("its list of segments is none"))?;
        if file.version != VERSION {
            return Err(damaged("its list of segments has another version"));
        }
        check_table_name(&file.table).map_err(|_| damaged("its list names no table"))?;
        if !file.segments.iter().all(|name| is_segment(name)) {
            return Err(damaged("its list names files that are no segments"));
        }
        let columns = file.columns.iter().map(|column| {
            let data_type = column.dtype.parse();
            let data_type = data_type.map_err(|_| damaged("its list names a type that is none"))?;
            Ok(ColumnSpec {
                is_nullable: column.nullable,
                is_strict: column.strict,
                ..ColumnSpec::new(&column.name, data_type)
            })
        });
        let columns = columns.collect::<Result<Vec<_>, FeatureError>>()?;
        Ok(Some(Self {
            table: file.table,
            schema: TableSchema::new(columns, &file.key, file.timestamp.as_deref())?,
            next: file.next,
            segments: file.segments,
            rows: file.rows,
        }))
    }

    /// Writes the list. Then it is what a restart finds.
    pub(in crate::features::serving) fn save(
        &self,
        directory: &TableDirectory,
    ) -> Result<(), FeatureError> {
        let columns = self.schema.columns().iter().map(|column| ColumnFile {
            name: column.name.clone(),
            dtype: column.data_type.to_string(),
            nullable: column.is_nullable,
            strict: column.is_strict,
        });
        let file = ListFile {
            version: VERSION,
            table: self.table.clone(),
            key: self.schema.key().map(|c| c.name.clone()).collect(),
            timestamp: self.schema.timestamp().map(|c| c.name.clone()),
            columns: columns.collect(),
            next: self.next,
            segments: self.segments.clone(),
            rows: self.rows,
        };
        let text = serde_json::to_string(&file);
        let text = text.map_err(|e| FeatureError::Request(e.to_string()))?;
        directory.set_list(&text)
    }

    /// Returns the name of the next segment, and counts it.
    pub(super) fn next_name(&mut self) -> String {
        let name = format!("{:012}{SEGMENT}", self.next);
        self.next = self.next.saturating_add(1);
        name
    }

    /// Returns the configuration of a table that a client made.
    pub(in crate::features::serving) fn config(&self) -> TableConfig {
        TableConfig {
            name: self.table.clone(),
            source: None,
            key: self.schema.key().map(|c| c.name.clone()).collect(),
            poll_interval: std::time::Duration::from_secs(60),
            parts: 1,
            columns: self.schema.columns().to_vec(),
            memory: MemoryMode::default(),
            timestamp: self.schema.timestamp().map(|c| c.name.clone()),
            ttl: None,
        }
    }
}

/// Returns true for names that [`SegmentList::next_name`] gives.
fn is_segment(name: &str) -> bool {
    let digits = name.strip_suffix(SEGMENT);
    let is_plain = |d: &str| d.len() >= 12 && d.bytes().all(|b| b.is_ascii_digit());
    digits.is_some_and(is_plain) && Path::new(name).file_name().is_some()
}
