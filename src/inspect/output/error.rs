//! Errors of writing a row.

use std::io;

use crate::inspect::output::Refusal;
use crate::inspect::table::LongRowError;
use crate::inspect::table::TableError;

/// Errors of writing a row.
#[derive(Debug)]
pub enum PushError {
    /// Writing failed.
    Write(io::Error),
    /// The row cannot be written in this format.
    Refused(Refusal),
    /// The row cannot be read.
    Read(TableError),
}

impl From<io::Error> for PushError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<Refusal> for PushError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<LongRowError> for PushError {
    fn from(error: LongRowError) -> Self {
        match error {
            LongRowError::Read(error) => Self::Read(error),
            LongRowError::Sink(error) => Self::Write(error),
        }
    }
}
