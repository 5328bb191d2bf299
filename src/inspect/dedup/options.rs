//! Options and reports of the duplicate search.

use std::sync::Arc;

use crate::inspect::dedup::MemorySpill;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::SketchCache;
use crate::inspect::dedup::Spill;
use crate::inspect::table::Batches;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;

/// Opens the rows once more. A search makes several passes, and every pass must see the same
/// batches.
pub type OpenRows<'a> = dyn Fn(&Selection) -> Result<Arc<dyn Batches>, TableError> + Sync + 'a;

/// Search method. Every method finds equal rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Equal rows only.
    Exact,
    /// MinHash sketches of 128 values, compared band by band.
    MinHash,
    /// SimHash fingerprints of 64 bits. They find copies, not rewordings.
    SimHash {
        /// Largest number of differing bits.
        distance: u32,
    },
}

/// Unit of text comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shingle {
    /// Runs of this number of words. Letter case and separators are ignored.
    Words(usize),
    /// Runs of this number of bytes, compared exactly.
    Bytes(usize),
}

/// Similarity of two sets of shingles, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Size of the intersection divided by the size of the union.
    Jaccard,
    /// Size of the intersection divided by the size of the smaller set.
    Containment,
}

/// Weights of shingles that very many rows share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighting {
    /// All shingles count the same.
    Plain,
    /// Common shingles count less. Rows that share only a prompt template are no pair.
    Rare,
}

/// Choice of the row that a cluster keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The first row.
    First,
    /// The row with the longest text, the first in a tie.
    Longest,
    /// The row with the greatest number in a column, the first in a tie.
    Maximum(String),
}

/// Options of a duplicate search.
#[derive(Clone)]
#[non_exhaustive]
pub struct DedupOptions<'a> {
    /// Search method.
    pub method: Method,
    /// Unit of text comparison; `None` for the default of the method.
    pub shingle: Option<Shingle>,
    /// Least similarity of a pair.
    pub threshold: f64,
    /// Similarity measure.
    pub measure: Measure,
    /// Weights of common shingles.
    pub weighting: Weighting,
    /// Columns to compare; the whole row if empty.
    pub columns: Vec<String>,
    /// Choice of the kept row.
    pub keep: Keep,
    /// Column whose values group the counts of kept rows.
    pub source: Option<String>,
    /// Approximate memory budget in bytes; data beyond it goes to `spill`.
    pub budget_bytes: usize,
    /// Number of worker threads.
    pub threads: usize,
    /// Total bytes of the input files, if known; progress uses it for each pass.
    pub size_bytes: Option<u64>,
    /// Storage for data beyond the memory budget.
    pub spill: &'a dyn Spill,
    /// Cache of sketches. Rows that the parent version had are not sketched again.
    pub sketch_cache: Option<&'a dyn SketchCache>,
}

impl Default for DedupOptions<'_> {
    fn default() -> Self {
        Self {
            method: Method::MinHash,
            shingle: None,
            threshold: 0.5,
            measure: Measure::Jaccard,
            weighting: Weighting::Rare,
            columns: Vec::new(),
            keep: Keep::First,
            source: None,
            budget_bytes: 1 << 30,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            size_bytes: None,
            spill: &MemorySpill,
            sketch_cache: None,
        }
    }
}

impl DedupOptions<'_> {
    /// Returns the unit of text comparison, with the default resolved.
    pub fn shingle(&self) -> Shingle {
        self.shingle.unwrap_or(match self.method {
            Method::SimHash { .. } => Shingle::Bytes(4),
            _ => Shingle::Words(2),
        })
    }
}

/// Kind of duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The row equals an earlier row, byte for byte.
    Exact,
    /// The row is similar to the kept row.
    Near,
}

/// Reason for the removal of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Number of the removed row.
    pub removed: u64,
    /// Number of the row kept instead.
    pub kept: u64,
    /// Similarity of the two rows by the requested measure; 1 for equal rows.
    pub similarity: f32,
    /// Kind of duplicate.
    pub likeness: Likeness,
}

/// Counts of rows with one value of the source column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The column's value.
    pub source: String,
    /// Number of rows with this value.
    pub rows: u64,
    /// Number of these rows that are kept.
    pub kept: u64,
}

/// Result of a duplicate search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DedupReport {
    /// Number of rows.
    pub rows: u64,
    /// Number of kept rows.
    pub unique_rows: u64,
    /// Number of rows that equal an earlier row.
    pub exact_duplicates: u64,
    /// Number of other rows that are similar to a kept row.
    pub near_duplicates: u64,
    /// Number of kept rows with at least one duplicate.
    pub clusters: u64,
    /// Number of rows in the largest cluster, the kept row included.
    pub largest_cluster: u64,
    /// Numbers of the removed rows.
    pub removed: RowSet,
    /// Reason for each removal, in ascending order of rows.
    pub evidence: Vec<Evidence>,
    /// Counts per source, the largest source first.
    pub sources: Vec<Retention>,
    /// Number of pairs compared on the text.
    pub compared: u64,
    /// Number of rows sketched or fingerprinted; rows found in the cache do not count.
    pub sketched: u64,
    /// Bytes written to the spill.
    pub spilled_bytes: u64,
}
