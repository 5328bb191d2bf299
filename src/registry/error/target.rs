//! Errors of targets: rows and lines of files and datasets.

use crate::inspect::line_index::LinesError;
use crate::inspect::output::Refusal;
use crate::inspect::search::PatternError;
use crate::inspect::table::TableError;
use crate::wire::limits::WRITTEN_COLUMNS_MAX;
use std::path::PathBuf;
use thiserror::Error as ThisError;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;

/// Reason that rows or lines of a target cannot be read or written.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum TargetError {
    /// The format has no lines.
    #[error("`{}` has no lines of text: it is {format}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: &'static str,
    },
    /// The text is neither a path nor a reference to a held dataset.
    #[error("there is no file `{0}`, and no dataset")]
    NotHere(String),
    /// The target has no file with rows.
    #[error("there is no file with rows in `{0}`")]
    NoRows(String),
    /// Rows could not be read.
    #[error("cannot read the rows of `{target}`")]
    Rows {
        /// The target.
        target: String,
        /// The cause.
        source: TableError,
    },
    /// No row has the named column.
    #[error(
        "`{target}` has no column `{column}`{}",
        match near.as_slice() {
            [] => String::new(),
            near => format!("; there is {}", near.join(", ")),
        }
    )]
    NoSuchColumn {
        /// The target.
        target: String,
        /// The column as typed.
        column: String,
        /// The most similar column names.
        near: Vec<String>,
    },
    /// A row cannot be written in the requested format.
    #[error("cannot write row {row} of `{target}`: {refusal}")]
    RowRefused {
        /// The target.
        target: String,
        /// The row's number, from 0.
        row: u64,
        /// The cause.
        refusal: Refusal,
    },
    /// A column cannot be written in the requested format.
    #[error("cannot write `{}`: {refusal}", path.display())]
    ColumnRefused {
        /// The file to write.
        path: PathBuf,
        /// The cause.
        refusal: Refusal,
    },
    /// The target has more columns than a file may have.
    #[error(
        "`{target}` has more than {WRITTEN_COLUMNS_MAX} columns (`written_columns_max`): column `{column}` has no room"
    )]
    TooManyColumns {
        /// The target.
        target: String,
        /// The first column beyond the limit.
        column: String,
    },
    /// The regular expression is invalid.
    #[error("`{pattern}`")]
    Regex {
        /// The pattern as typed.
        pattern: String,
        /// The cause.
        source: PatternError,
    },
    /// The lines of a file could not be read.
    #[error("cannot find the lines of `{}`", path.display())]
    Lines {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: LinesError,
    },
}

impl TargetError {
    /// Returns advice for the user.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoRows(_) | Self::NotHere(_) => {
                "give a file, a directory with data files, or a dataset that `registry list` shows"
            }
            Self::Rows { source, .. } if source.is_damage() => {
                "`inspect lint` looks over the rows before the damage"
            }
            Self::Rows { .. } if self.kind() == ErrorKind::Unsupported => {
                "`spec/rows.md` says what is read"
            }
            Self::NoSuchColumn { .. } => {
                "`alimentar inspect info TARGET` shows the columns; dots lead into nested ones"
            }
            Self::RowRefused { refusal, .. } if refusal.is_nan => {
                "`--nan null` or `--nan text` says what becomes of such numbers"
            }
            Self::RowRefused { refusal, .. } if refusal.is_not_utf8 => {
                "`--encoding latin-1` or `windows-1252` reads such text; `--skip-malformed` leaves such rows out and says which; nothing was written"
            }
            Self::RowRefused { .. } => {
                "`--skip-malformed` leaves such rows out and says which; nothing was written"
            }
            Self::ColumnRefused { .. } | Self::TooManyColumns { .. } => {
                "write .jsonl, or name the columns to write with --column; nothing was written"
            }
            Self::NotText { .. } => "`inspect lines` reads plain text",
            Self::Lines { .. } => "run it again when nothing writes to it",
            Self::Rows { .. } | Self::Regex { .. } => return None,
        })
    }
}

impl Classify for TargetError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotText { .. }
            | Self::NoRows(_)
            | Self::RowRefused { .. }
            | Self::ColumnRefused { .. }
            | Self::TooManyColumns { .. } => ErrorKind::Unsupported,
            Self::NotHere(_) | Self::NoSuchColumn { .. } => ErrorKind::NotFound,
            Self::Rows { source, .. } => source.kind(),
            Self::Lines { source, .. } => source.kind(),
            Self::Regex { source, .. } => source.kind(),
        }
    }
}
