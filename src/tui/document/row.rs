//! A row, its place, errors of reading rows, and requests to stop.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use thiserror::Error;

use crate::error_kind::message_with_causes;
use crate::inspect::table::TableError;
use crate::tui::document::cells::CellText;

/// Place of a row: its file, and its offset there or its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::tui) struct RowPlace {
    /// Number of the file.
    pub file: u32,
    /// Offset of its first byte, or its number in a file whose rows have no offsets.
    pub key: u64,
}

/// A row, as the table keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::tui) struct Row {
    pub place: RowPlace,
    /// Key of the place behind it.
    pub next: u64,
    /// Its number among all rows of the target, if that is known.
    pub number: Option<u64>,
    /// The beginning of its text.
    pub text: Vec<u8>,
    /// Length of the whole text, if that is known.
    pub bytes: Option<u64>,
    /// True if `text` is not all of it.
    pub is_cut: bool,
    /// True if it is no text of the shape that the file has.
    pub is_broken: bool,
    pub cells: Vec<CellText>,
}

/// The reason why rows could not be read.
#[derive(Debug, Error)]
pub(in crate::tui) enum DocumentError {
    #[error("stopped")]
    Cancelled,
    #[error("{0}")]
    Other(String),
}

impl From<std::io::Error> for DocumentError {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<crate::registry::Error> for DocumentError {
    fn from(error: crate::registry::Error) -> Self {
        if matches!(error, crate::registry::Error::Interrupted) {
            return Self::Cancelled;
        }
        Self::Other(message_with_causes(&error))
    }
}

impl From<TableError> for DocumentError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Interrupted => Self::Cancelled,
            other => Self::Other(other.full_message()),
        }
    }
}

/// A request to stop, which one owner gives and one job obeys.
#[derive(Clone, Debug, Default)]
pub(in crate::tui) struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    pub(in crate::tui) fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(in crate::tui) fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns an error once the request was made.
    pub(in crate::tui) fn check(&self) -> Result<(), DocumentError> {
        match self.is_cancelled() {
            true => Err(DocumentError::Cancelled),
            false => Ok(()),
        }
    }
}
