//! Options and result of an intake.

use crate::catalog::Dataset;
use crate::manifest::Provenance;
use crate::registry::index::options::IndexOptions;
use crate::registry::index::options::IndexReport;

/// New bytes after which there is a checkpoint, unless the options say another number.
const CHECKPOINT_BYTES: u64 = 64 << 20;

/// Options of an intake.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IntakeOptions {
    /// Metadata of the dataset, and patterns of paths to leave out. Options about links do not matter.
    pub index: IndexOptions,
    /// Patterns of paths to take. Without any, all are taken.
    pub include: Vec<String>,
    /// A dataset that may have some of the files. It need not be made here.
    pub base: Option<Dataset>,
    /// New bytes after which there is a checkpoint, from which another run can go on.
    pub checkpoint_bytes: u64,
}

impl Default for IntakeOptions {
    fn default() -> Self {
        Self::new(IndexOptions::default(), Vec::new())
    }
}

impl IntakeOptions {
    /// Returns options with this metadata and these patterns.
    pub fn new(index: IndexOptions, include: Vec<String>) -> Self {
        Self {
            index,
            include,
            base: None,
            checkpoint_bytes: CHECKPOINT_BYTES,
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
    /// Bytes of files that were not read again, because they have the promise of the run before.
    pub kept_bytes: u64,
}
