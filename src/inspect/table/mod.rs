//! Rows of a file, whatever its format: by number, and all of them in parallel. Every row has a
//! text; what is in it depends on the table's [`Shape`].

mod chain;
mod columnar;
mod head;
mod input;
mod no_rows;
mod open;
mod row_index;
pub(crate) mod rows;
mod scan;
#[cfg(test)]
mod tests;
pub(crate) mod text;

use std::sync::Arc;

use arrow_schema::SchemaRef;
use thiserror::Error;

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
pub use crate::inspect::table::rows::row_kind::Header;
pub use crate::inspect::table::rows::row_kind::Shape;
pub use crate::inspect::table::rows::stored::Stored;
pub use crate::inspect::table::rows::stored::StoredColumn;
pub(in crate::inspect) use crate::inspect::table::rows::stored::base64_length;
#[cfg(feature = "tokens")]
pub(in crate::inspect) use crate::inspect::table::rows::stored::stored_text_into;
pub use crate::inspect::table::text::lines::Lines;
pub(in crate::inspect) use crate::inspect::table::text::splitter::Cutter;
pub(in crate::inspect) use crate::inspect::table::text::splitter::DelimitedCutter;
pub(in crate::inspect) use crate::inspect::table::text::splitter::Found;
pub(in crate::inspect) use crate::inspect::table::text::splitter::JsonCutter;
pub(in crate::inspect) use crate::inspect::table::text::splitter::RecordSpans;
pub(in crate::inspect) use crate::inspect::table::text::splitter::records_of;
pub use chain::Chain;
pub use chain::OpenFile;
pub(in crate::inspect) use columnar::ShownValue;
pub(in crate::inspect) use columnar::each_value;
pub use open::OpenOptions;
pub use open::Opened;
pub use open::SchemaFrom;
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
pub use scan::Scanned;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::inspect::file_stamp::EndsError;

/// Why rows cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The bytes are not what the format says.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// One of several files.
    #[error("`{file}`")]
    InFile {
        /// Which file.
        file: String,
        /// Why.
        source: Box<TableError>,
    },
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// A limit of the program is crossed; the file may be right.
    #[error("it is beyond a limit: {0}")]
    Limit(String),
    /// The source failed.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// It ends before the place where it ended.
    #[error("it became shorter while it was being read")]
    Shrunk,
    /// A kind of file that is not read.
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
    /// Whether the bytes are not what the format says.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::InFile { source, .. } => source.is_damage(),
            _ => false,
        }
    }

    /// All of what it says, with the file that it is of.
    pub fn in_words(&self) -> String {
        match self {
            Self::InFile { file, source } => format!("{file}: {}", source.in_words()),
            other => other.to_string(),
        }
    }
}

impl Classify for TableError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InFile { source, .. } => source.kind(),
            Self::Interrupted => ErrorKind::Interrupted,
            // What a store finds to be damaged comes so.
            Self::Read(e) if e.kind() == std::io::ErrorKind::InvalidData => ErrorKind::Integrity,
            Self::Read(e) => ErrorKind::of_io(e),
            Self::Shrunk => ErrorKind::Io,
            Self::Damaged(_) | Self::Limit(_) | Self::Unsupported(_) => ErrorKind::Unsupported,
        }
    }
}

/// What is wanted of a table's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Number of the first row that is wanted.
    pub from: u64,
    /// Columns that are wanted, where the format lets others be left out; none for all.
    pub columns: Vec<String>,
    /// Numbers of columnar files that are no numbers are written into the text of rows as `NaN`,
    /// `Infinity` and `-Infinity`, which is not JSON; else they are null.
    pub nan: bool,
    /// Whether batches of columnar files bring their columns as they are in the file.
    pub decoded: Decoded,
}

/// Whether batches bring decoded columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decoded {
    /// They do not: there is the text of rows alone.
    #[default]
    No,
    /// They do, beside the text.
    Beside,
    /// They do, and rows have no text.
    Alone,
    /// The same with the types in which they are shown.
    Shown,
}

/// What a columnar file says of its columns.
#[derive(Clone, Debug)]
pub struct Columnar {
    /// Names, types and metadata. Names that are there twice were made unique.
    pub schema: SchemaRef,
    /// Keys and values that belong to the file as a whole.
    pub metadata: Vec<(String, Option<String>)>,
    /// Names that are there twice in the file.
    pub repeated: Vec<String>,
    /// Columns whose type is not read; they are in no row.
    pub unread: Vec<UnreadColumn>,
}

/// A column of a columnar file that is in the schema and in no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadColumn {
    /// Its name.
    pub name: String,
    /// Its type in Arrow's words.
    pub kind: String,
}

impl UnreadColumn {
    /// The error of somebody who needs it.
    pub fn refused(&self) -> TableError {
        let Self { name, kind } = self;
        TableError::Unsupported(format!("column `{name}` has the type {kind}"))
    }
}

impl Columnar {
    /// The columns of these names, in this order; all where there are none. `None` where one of the
    /// names is that of no column.
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

/// A file that has rows.
pub trait Table: Send + Sync {
    /// What is in a row's text.
    fn shape(&self) -> &Shape;

    /// What the file says of its columns, where it is columnar.
    fn columnar(&self) -> Option<&Columnar> {
        None
    }

    /// How many rows there are, where that is known without reading them.
    fn rows(&self) -> Option<u64>;

    /// The rows from one on, in batches that several threads may take.
    ///
    /// # Errors
    /// [`TableError`] when the way to the first of them meets one.
    fn batches(self: Arc<Self>, selection: &Selection) -> Result<Arc<dyn Batches>, TableError>;
}

/// Batches of rows, taken by any number of threads.
pub trait Batches: Send + Sync {
    /// Puts the next batch in place of what `batch` held; its memory is used again.
    ///
    /// # Errors
    /// [`TableError`], at the batch that cannot be had.
    fn next(&self, batch: &mut Batch) -> Result<Next, TableError>;

    /// Reads one row again: puts it alone into `into`. It lies at a place ([`Batch::place_of`]) of a batch
    /// of this number that came before. `false` where rows cannot be had one by one.
    ///
    /// # Errors
    /// [`TableError`] when it cannot be read.
    fn row(&self, number: u64, place: u32, into: &mut Batch) -> Result<bool, TableError> {
        let _ = (number, place, into);
        Ok(false)
    }
}

/// Which batch came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// That of this number, from 0; numbers come without a gap, whichever thread takes them.
    Batch(u64),
    /// There are no more than these.
    End(u64),
}
