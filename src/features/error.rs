//! Errors of feature tables.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::inspect::table::TableError;

/// Error of a configuration, a load or a lookup.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// A file of ours cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// The action, as a verb.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The configuration is not one.
    #[error("{file}:{line}:{column}: {why}")]
    Config {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The fault.
        why: String,
    },
    /// The columns make no table.
    #[error("the columns make no table: {0}")]
    Schema(String),
    /// There is no table of this name.
    #[error("there is no table `{0}`")]
    NoTable(String),
    /// There is a table of this name.
    #[error("there is a table `{0}` already")]
    TableExists(String),
    /// The table has no data yet.
    #[error("the table `{table}` has no data: {why}")]
    NoData {
        /// The table.
        table: String,
        /// The reason.
        why: String,
    },
    /// There is no such column.
    #[error("there is no column `{name}`; the columns are {known}")]
    NoColumn {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The request is none.
    #[error("{0}")]
    Request(String),
    /// A limit of the program.
    #[error("{what} is beyond the limit of {limit}")]
    Limit {
        /// The thing, with its size.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// A file of a partition cannot be loaded.
    #[error("`{file}` cannot be loaded")]
    Input {
        /// The file.
        file: String,
        /// The cause.
        source: TableError,
    },
    /// A file of a partition has other columns.
    #[error("`{file}` does not fit: {why}")]
    Mismatch {
        /// The file.
        file: String,
        /// The difference.
        why: String,
    },
    /// A source has no partition that can be loaded.
    #[error("`{place}` has no partition that can be loaded: {why}")]
    NoPartition {
        /// The place.
        place: String,
        /// The reason.
        why: String,
    },
    /// A source cannot be reached.
    #[error("`{place}` cannot be read: {why}")]
    Source {
        /// The place.
        place: String,
        /// The reason.
        why: String,
        /// The kind of the cause.
        kind: ErrorKind,
    },
    /// A segment is damaged.
    #[error("the segment `{}` is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The difference.
        why: &'static str,
    },
    /// A table has a source, and cannot be written to.
    #[error("the table `{0}` is loaded from a source, and cannot be written to")]
    ReadOnly(String),
    /// The caller stopped the load.
    #[error("interrupted")]
    Interrupted,
}

impl FeatureError {
    /// Makes the error of a file.
    pub(crate) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::File {
            action,
            path,
            source,
        }
    }

    pub(crate) fn no_column<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = known.collect();
        Self::NoColumn {
            name: name.chars().take(SHOWN).collect(),
            known: match names.len() {
                0..=NAMES_SHOWN => names.join(", "),
                more => format!(
                    "{}, and {} more",
                    names[..NAMES_SHOWN].join(", "),
                    more - NAMES_SHOWN
                ),
            },
        }
    }

    pub(crate) fn damaged(path: &Path, why: &'static str) -> Self {
        let path = path.to_owned();
        Self::Damaged { path, why }
    }
}

/// Number of characters of a text that a message shows.
const SHOWN: usize = 80;
/// Number of columns that a message lists.
const NAMES_SHOWN: usize = 20;

impl Classify for FeatureError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::File { source, .. } => ErrorKind::of_io(source),
            Self::Config { .. } | Self::Schema(_) | Self::Request(_) | Self::Limit { .. } => {
                ErrorKind::Invalid
            }
            Self::Mismatch { .. } | Self::ReadOnly(_) => ErrorKind::Invalid,
            Self::NoTable(_)
            | Self::NoColumn { .. }
            | Self::NoData { .. }
            | Self::NoPartition { .. } => ErrorKind::NotFound,
            Self::TableExists(_) => ErrorKind::Conflict,
            Self::Input { source, .. } => source.kind(),
            Self::Source { kind, .. } => *kind,
            Self::Damaged { .. } => ErrorKind::Integrity,
            Self::Interrupted => ErrorKind::Interrupted,
        }
    }
}
