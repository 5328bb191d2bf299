//! Errors of edits.

use std::path::PathBuf;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::inspect::edits::CellError;
use crate::wire::DecodeError;

/// Errors of edits.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EditError {
    /// The content is another than the edits were made for.
    #[error("`{target}` {change} since it was edited; its edits are kept and not applied")]
    BaseChanged {
        /// The edited file or dataset.
        target: String,
        /// The change.
        change: &'static str,
    },
    /// The journal is damaged or of a newer version.
    #[error("the journal of edits `{}` cannot be read", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// The cause.
        source: DecodeError,
    },
    /// The target has no form of edits.
    #[error("`{target}` cannot be edited: {why}")]
    NotEditable {
        /// The target.
        target: String,
        /// The cause.
        why: String,
    },
    /// There is no such row.
    #[error("`{target}` has no row {row}: it has {rows}, numbered from 0")]
    NoRow {
        /// The target.
        target: String,
        /// The row as given.
        row: u64,
        /// Its number of rows.
        rows: u64,
    },
    /// A cell cannot have a value.
    #[error("cannot set `{column}` in row {row} of `{target}`")]
    Cell {
        /// The target.
        target: String,
        /// The row.
        row: u64,
        /// The column.
        column: String,
        /// The cause.
        source: CellError,
    },
    /// A row of an inserted file has no place in the target.
    #[error("cannot insert row {row} of `{from}`: {why}")]
    Insert {
        /// The inserted file.
        from: String,
        /// Its row.
        row: u64,
        /// The cause.
        why: String,
    },
    /// A row, the edits of one command or a journal are too long.
    #[error("{what} would have more than {limit} bytes (`{name}`)")]
    TooLong {
        /// The thing.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// Name of the limit.
        name: &'static str,
    },
    /// The rule has no certain mend.
    #[error("`{rule}` has no certain mend; these have one: {fixable}")]
    NotFixable {
        /// The rule as given.
        rule: String,
        /// The rules that have one.
        fixable: String,
    },
    /// There are fewer edits than should be undone or made again.
    #[error("`{target}` has {there} edits to {action}")]
    TooFew {
        /// The target.
        target: String,
        /// The number of edits.
        there: usize,
        /// The action, as a verb.
        action: &'static str,
    },
}

impl Classify for EditError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::BaseChanged { .. } => ErrorKind::Integrity,
            Self::Journal { source, .. } => match source {
                DecodeError::Version(_) => ErrorKind::Unsupported,
                _ => ErrorKind::Integrity,
            },
            Self::NotEditable { .. } | Self::TooLong { .. } => ErrorKind::Unsupported,
            Self::NoRow { .. } => ErrorKind::NotFound,
            Self::Cell { source, .. } => match source {
                CellError::NoColumn => ErrorKind::NotFound,
                CellError::Malformed(_) => ErrorKind::Unsupported,
                _ => ErrorKind::Invalid,
            },
            Self::Insert { .. } | Self::NotFixable { .. } => ErrorKind::Invalid,
            Self::TooFew { .. } => ErrorKind::Conflict,
        }
    }
}
