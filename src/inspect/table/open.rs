//! Opening a file as a table.

use std::sync::Arc;

use arrow_schema::Schema;

use crate::inspect::format::Compression;
use crate::inspect::format::FileFormat;
use crate::inspect::format::Format;
use crate::inspect::format::ending;
use crate::inspect::table::Lines;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::read_at::ReadAt;

/// A file that was opened.
#[derive(Clone)]
pub struct Opened {
    /// What it is.
    pub format: FileFormat,
    /// Its rows.
    pub table: Arc<dyn Table>,
    /// The type of its rows, where it is known.
    pub schema: Option<Schema>,
}

impl Opened {
    /// Whether its rows are the lines of the file as they are.
    pub fn is_lines(&self) -> bool {
        self.format.compression == Compression::None
            && matches!(self.format.format, Format::Jsonl | Format::Bytes)
    }
}

/// Whether a path's ending is that of a format with rows.
pub fn has_rows(path: &str) -> bool {
    let ending = ending(path);
    ending.text.is_some() || ending.arrow || path.to_ascii_lowercase().ends_with(".parquet")
}

/// Opens a file.
///
/// # Errors
/// [`TableError`] when it has no rows.
pub fn open_table(
    source: Arc<dyn ReadAt>,
    path: &str,
    format: Option<FileFormat>,
) -> Result<Opened, TableError> {
    let shape = match ending(path).text {
        Some(Format::Jsonl) => Shape::Json,
        _ => Shape::Text,
    };
    Ok(Opened {
        format: format.unwrap_or(FileFormat {
            format: if shape == Shape::Json {
                Format::Jsonl
            } else {
                Format::Bytes
            },
            compression: Compression::None,
        }),
        table: Arc::new(Lines::new(source, shape)),
        schema: None,
    })
}
