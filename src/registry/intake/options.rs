//! Options and result of an intake.

use crate::catalog::Dataset;
use crate::manifest::Provenance;
use crate::registry::index::options::IndexOptions;
use crate::registry::index::options::IndexReport;

/// Options of an intake.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IntakeOptions {
    /// Metadata of the dataset, and patterns of paths to leave out. Options about links do not matter.
    pub index: IndexOptions,
    /// Patterns of paths to take. Without any, all are taken.
    pub include: Vec<String>,
    /// A dataset that may have some of the files. It need not be made here.
    pub base: Option<Dataset>,
}

impl IntakeOptions {
    /// Returns options with this metadata and these patterns.
    pub fn new(index: IndexOptions, include: Vec<String>) -> Self {
        Self {
            index,
            include,
            base: None,
        }
    }
}

/// Result of an intake.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IntakeReport {
    /// The dataset, as an index reports it.
    pub index: IndexReport,
    /// The place as it is now. Content that was here already may have come from elsewhere before.
    pub source: Provenance,
    /// Number of files of which bytes came from elsewhere.
    pub fetched_files: u64,
    /// Number of these bytes.
    pub fetched_bytes: u64,
}
