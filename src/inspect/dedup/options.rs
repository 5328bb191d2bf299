//! What a search for duplicates is told, and what it tells.

use std::sync::Arc;

use crate::inspect::dedup::MemorySpill;
use crate::inspect::dedup::RowSet;
use crate::inspect::dedup::SketchCache;
use crate::inspect::dedup::Spill;
use crate::inspect::table::Batches;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;

/// Opens the rows once more. A search goes over them several times, and every time the batches
/// must be the same.
pub type OpenRows<'a> = dyn Fn(&Selection) -> Result<Arc<dyn Batches>, TableError> + Sync + 'a;

/// How duplicates are looked for. Equal rows are found in every mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Equal rows alone.
    Exact,
    /// Sketches of 128 values, compared band by band.
    MinHash,
    /// Fingerprints of 64 bits of which at most this many differ. It finds copies, not rewordings.
    SimHash {
        /// Bits that may differ.
        distance: u32,
    },
}

/// What texts are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shingle {
    /// As many words in a row, compared without regard to case and to what is between them.
    Words(usize),
    /// As many bytes in a row, as they are.
    Bytes(usize),
}

/// How alike two sets of shingles are, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Those that both have, of those that either has.
    Jaccard,
    /// Those that both have, of those of the one that has fewer.
    Containment,
}

/// Whether shingles that very many rows have count for less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighting {
    /// All count the same, whatever the number of rows that have them.
    Plain,
    /// Rows that agree only in what many others have too, as a prompt's template, are no pair.
    Rare,
}

/// Which row of several alike stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The first.
    First,
    /// The one with the longest text, the first of these.
    Longest,
    /// The one with the greatest number in a column, the first of these.
    Maximum(String),
}

/// How duplicates are looked for.
#[derive(Clone)]
pub struct DedupOptions<'a> {
    /// By which method.
    pub method: Method,
    /// What texts are cut into; `None` for what the method is best with.
    pub shingle: Option<Shingle>,
    /// How alike rows must be.
    pub threshold: f64,
    /// What is meant by alike.
    pub measure: Measure,
    /// What is done about templates.
    pub weighting: Weighting,
    /// Columns whose text is compared; all of the row where there are none.
    pub columns: Vec<String>,
    /// Which row stays.
    pub keep: Keep,
    /// A column by whose values it is counted how many rows stay.
    pub source: Option<String>,
    /// Bytes of memory, about, that may be used; what is more goes to `spill`.
    pub budget_bytes: usize,
    /// Threads that work.
    pub threads: usize,
    /// Bytes of the files that rows are in, where they are known: every pass goes as far.
    pub size_bytes: Option<u64>,
    /// Where to put what has no room in memory.
    pub spill: &'a dyn Spill,
    /// Where sketches of rows are kept, so that rows of the next version that were in this one need
    /// not be sketched again.
    pub prints: Option<&'a dyn SketchCache>,
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
            prints: None,
        }
    }
}

impl DedupOptions<'_> {
    /// What texts are cut into.
    pub fn shingle(&self) -> Shingle {
        self.shingle.unwrap_or(match self.method {
            Method::SimHash { .. } => Shingle::Bytes(4),
            _ => Shingle::Words(2),
        })
    }
}

/// Why a row is held to be superfluous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// Another row that went before it is the same, byte for byte.
    Exact,
    /// The row that stays is like it.
    Near,
}

/// Why a row was removed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// The row's number.
    pub removed: u64,
    /// Number of the row that stays in its place.
    pub kept: u64,
    /// How alike the two are, by the measure that was asked for; 1 where they are the same.
    pub similarity: f32,
    /// In which way.
    pub likeness: Likeness,
}

/// How many rows with one value of a column stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The value.
    pub source: String,
    /// Rows that have it.
    pub rows: u64,
    /// Those that stay.
    pub kept: u64,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DedupReport {
    /// Rows that there are.
    pub rows: u64,
    /// Rows that stay.
    pub unique_rows: u64,
    /// Rows of which there is the same before.
    pub exact_duplicates: u64,
    /// Other rows that are like one that stays.
    pub near_duplicates: u64,
    /// Rows that stay and stand for others too.
    pub clusters: u64,
    /// Rows for which the most popular of them stands, itself included.
    pub largest_cluster: u64,
    /// Numbers of the rows that go.
    pub removed: RowSet,
    /// Why each of them goes, in the order of rows.
    pub evidence: Vec<Evidence>,
    /// What stays of each source, most rows first.
    pub sources: Vec<Retention>,
    /// Pairs that were compared on the text.
    pub compared: u64,
    /// Rows that were sketched or fingerprinted: fewer where that was kept from before.
    pub sketched: u64,
    /// Bytes that were put to the spill.
    pub spilled_bytes: u64,
}
