//! Tables: the rows of a file in any format, by number or in parallel batches. Every row has a
//! text; the table's [`Shape`] tells its syntax.
//!
//! Open `open.rs` to open a file, `rows/` for batches and cells, `scan.rs` for a parallel pass,
//! `text/` and `columnar/` for the formats, `chain.rs` for several files, `row_index/` for random
//! access.

mod chain;
mod columnar;
mod guarded_call;
mod head;
mod input;
mod no_rows;
mod open;
mod read_some;
mod row_index;
pub(crate) mod rows;
mod scan;
#[cfg(test)]
mod tests;
pub(crate) mod text;

use std::sync::Arc;

use arrow_schema::SchemaRef;
use thiserror::Error;

pub use crate::inspect::format::schema::SchemaFrom;
pub use crate::inspect::table::rows::batch::Batch;
pub use crate::inspect::table::rows::batch::Filled;
pub use crate::inspect::table::rows::batch::Row;
pub use crate::inspect::table::rows::cells::Cell;
pub(in crate::inspect) use crate::inspect::table::rows::cells::Fields;
pub use crate::inspect::table::rows::cells::Scratch;
pub use crate::inspect::table::rows::cells::TEXT_COLUMN;
pub use crate::inspect::table::rows::cells::VALUE_COLUMN;
pub use crate::inspect::table::rows::long_row::LongRow;
pub use crate::inspect::table::rows::long_row::LongRowError;
pub use crate::inspect::table::rows::long_row::RowSource;
pub use crate::inspect::table::rows::names::unique_names;
pub(in crate::inspect) use crate::inspect::table::rows::path::each_at;
pub use crate::inspect::table::rows::shape::Header;
pub use crate::inspect::table::rows::shape::Shape;
pub use crate::inspect::table::rows::stored::StoredColumn;
pub use crate::inspect::table::rows::stored::StoredType;
pub(in crate::inspect) use crate::inspect::table::rows::stored::base64_length;
#[cfg(feature = "tokens")]
pub(in crate::inspect) use crate::inspect::table::rows::stored::stored_text_into;
pub use crate::inspect::table::text::lines::LineTable;
pub(in crate::inspect) use crate::inspect::table::text::splitter::DelimitedSplitter;
pub(in crate::inspect) use crate::inspect::table::text::splitter::JsonSplitter;
pub(in crate::inspect) use crate::inspect::table::text::splitter::RecordSpans;
pub(in crate::inspect) use crate::inspect::table::text::splitter::RowSpan;
pub(in crate::inspect) use crate::inspect::table::text::splitter::RowSplitter;
pub(in crate::inspect) use crate::inspect::table::text::splitter::records_of;
pub use chain::Chain;
pub use chain::OpenFile;
pub(in crate::inspect) use columnar::ShownValue;
pub(in crate::inspect) use columnar::each_value;
pub use columnar::edited::CheckError;
pub use columnar::edited::EditedRow;
pub use columnar::edited::check_row;
pub use open::OpenOptions;
pub use open::Opened;
pub use open::has_rows;
pub use open::open_table;
pub use open::sniff;
pub use row_index::GrowingIndex;
pub use row_index::Point;
pub use row_index::RowIndex;
pub use row_index::RowKind;
pub use row_index::StoredRowIndex;
pub use row_index::StoredText;
pub use scan::Scan;
pub use scan::ScannedBatch;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::inspect::file_stamp::EndsError;

/// Errors of reading rows.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The bytes violate the format.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// An error in one of several files.
    #[error("`{file}`")]
    InFile {
        /// Name of the file.
        file: String,
        /// The error.
        source: Box<TableError>,
    },
    /// The caller cancelled the work.
    #[error("interrupted")]
    Interrupted,
    /// A limit of the program is exceeded; the file may be valid.
    #[error("it is beyond a limit: {0}")]
    Limit(String),
    /// The source failed.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// The file is shorter than before.
    #[error("it became shorter while it was being read")]
    Shrunk,
    /// The kind of file is not supported.
    #[error("it cannot be read: {0}")]
    Unsupported(String),
}

impl From<EndsError> for TableError {
    fn from(error: EndsError) -> Self {
        match error {
            EndsError::Read(e) => Self::Read(e),
            EndsError::Shrunk => Self::Shrunk,
        }
    }
}

impl TableError {
    /// Returns true if the bytes violate the format.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::InFile { source, .. } => source.is_damage(),
            _ => false,
        }
    }

    /// Formats the error with its file and cause.
    pub fn full_message(&self) -> String {
        match self {
            Self::InFile { file, source } => format!("{file}: {}", source.full_message()),
            other => other.to_string(),
        }
    }
}

impl Classify for TableError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InFile { source, .. } => source.kind(),
            Self::Interrupted => ErrorKind::Interrupted,
            // A damaged chunk of the store arrives in this form.
            Self::Read(e) if e.kind() == std::io::ErrorKind::InvalidData => ErrorKind::Integrity,
            Self::Read(e) => ErrorKind::of_io(e),
            Self::Shrunk => ErrorKind::Io,
            Self::Damaged(_) | Self::Limit(_) | Self::Unsupported(_) => ErrorKind::Unsupported,
        }
    }
}

/// Selection of a table's rows and columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Number of the first row.
    pub from: u64,
    /// Columns to read, in formats that can skip others; all if empty.
    pub columns: Vec<String>,
    /// True to render non-finite numbers of columnar files as `NaN`, `Infinity` and `-Infinity`,
    /// which is not JSON. Otherwise they are null.
    pub nan: bool,
    /// Delivery of decoded columns in batches of columnar files.
    pub decoded: Decoded,
}

/// Delivery of decoded columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decoded {
    /// Only the text of rows.
    #[default]
    No,
    /// Columns beside the text.
    Beside,
    /// Columns without a text.
    Alone,
    /// Columns without a text, in the types used for rendering.
    Shown,
}

/// Description of the columns of a columnar file.
#[derive(Clone, Debug)]
pub struct Columnar {
    /// Names, types and metadata. Repeated names are made unique.
    pub schema: SchemaRef,
    /// Key-value metadata of the file as a whole.
    pub metadata: Vec<(String, Option<String>)>,
    /// Names that the file uses twice.
    pub repeated: Vec<String>,
    /// Columns of unsupported types, which rows leave out.
    pub unread: Vec<UnreadColumn>,
}

/// A column of a columnar file that rows leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadColumn {
    /// Its name.
    pub name: String,
    /// Its Arrow type.
    pub kind: String,
}

impl UnreadColumn {
    /// Returns the error for a caller that needs the column.
    pub fn refused(&self) -> TableError {
        let Self { name, kind } = self;
        TableError::Unsupported(format!("column `{name}` has the type {kind}"))
    }
}

impl Columnar {
    /// Selects the columns with these names, in this order; all if empty. Returns `None` for an
    /// unknown name.
    #[must_use]
    pub fn of_names(self, names: &[String]) -> Option<Self> {
        if names.is_empty() {
            return Some(self);
        }
        let places = names.iter().map(|name| self.schema.index_of(name).ok());
        let places: Vec<usize> = places.collect::<Option<_>>()?;
        Some(Self {
            schema: std::sync::Arc::new(self.schema.project(&places).ok()?),
            ..self
        })
    }
}

/// A file with rows.
pub trait Table: Send + Sync {
    /// Syntax of a row's text.
    fn shape(&self) -> &Shape;

    /// Description of the columns of a columnar file.
    fn columnar(&self) -> Option<&Columnar> {
        None
    }

    /// Number of rows, if known without reading them.
    fn rows(&self) -> Option<u64>;

    /// Returns the selected rows in batches that several threads may take.
    ///
    /// # Errors
    /// [`TableError`] if the first row cannot be reached.
    fn batches(self: Arc<Self>, selection: &Selection) -> Result<Arc<dyn Batches>, TableError>;
}

/// Batches of rows for any number of threads.
pub trait Batches: Send + Sync {
    /// Replaces the content of `batch` by the next batch, reusing its memory.
    ///
    /// # Errors
    /// [`TableError`] if this batch cannot be read.
    fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError>;

    /// Reads one row again, alone, into `into`. `number` is an earlier batch, and `place` the row's
    /// position in it ([`Batch::place_of`]). Returns `false` if rows cannot be read one by one.
    ///
    /// # Errors
    /// [`TableError`] if the row cannot be read.
    fn row(&self, number: u64, place: u32, into: &mut Batch) -> Result<bool, TableError> {
        let _ = (number, place, into);
        Ok(false)
    }
}

/// Result of a request for a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextBatch {
    /// The batch with this number, from 0. Numbers are consecutive across all threads.
    Batch(u64),
    /// The end, after this number of batches.
    End(u64),
}
