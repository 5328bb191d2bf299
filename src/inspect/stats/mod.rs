//! Figures of every column of a table, in one pass over its rows on all cores, in memory that
//! depends on the number of columns and not on that of rows.
//!
//! Types, distinct values, quantiles, lengths, scripts, and frequent values; what each figure means
//! and how far it may be off is in `spec/statistics.md`. The figures do not depend on the number of
//! threads: all that is kept of a column is either the same in whatever order values come, or is put
//! together in the order of the rows.

pub(crate) mod accumulate;
pub mod chart;
mod column;
pub(crate) mod json_walk;
mod lengths;
mod numbers;
mod report;
mod script;
pub(crate) mod sketches;
#[cfg(test)]
mod tests;
mod texts;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

pub use crate::inspect::stats::sketches::hyperloglog::DISTINCT_ERROR;
#[cfg(feature = "tokens")]
pub(in crate::inspect) use lengths::Lengths;
pub use report::Bin;
pub use report::ColumnStats;
pub use report::ColumnType;
pub use report::DistinctCount;
pub use report::LengthStats;
pub use report::Number;
pub use report::NumberStats;
pub use report::Quantile;
pub use report::StatsReport;
pub use report::TextStats;
pub use report::TopValue;
pub use report::TypeCounts;
pub use script::Script;

use crate::inspect::stats::accumulate::Accumulator;
use crate::inspect::stats::json_walk::Walker;
use crate::inspect::table::Batches;
use crate::inspect::table::Scan;
use crate::inspect::table::TableError;
use crate::progress::Progress;

/// What statistics are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct StatsOptions {
    /// Threads that work.
    pub threads: usize,
    /// Paths of columns that are wanted; none for all.
    pub columns: Vec<String>,
    /// How many columns there are figures of, the first that rows show.
    pub columns_max: usize,
    /// Objects and arrays within each other that are looked into.
    pub depth_max: usize,
    /// Frequent values of a column.
    pub top: usize,
    /// Shares of quantiles, 0 to 1.
    pub quantiles: Vec<f64>,
    /// Bins of the histogram of numbers.
    pub bins: usize,
}

impl Default for StatsOptions {
    fn default() -> Self {
        Self {
            threads: 1,
            columns: Vec::new(),
            columns_max: 256,
            depth_max: 6,
            top: 10,
            quantiles: vec![0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99],
            bins: 20,
        }
    }
}

/// Figures of all columns.
///
/// # Errors
/// [`TableError`] of the first batch that cannot be read, in the order of the rows.
pub fn stats(
    batches: &dyn Batches,
    options: &StatsOptions,
    progress: &dyn Progress,
) -> Result<StatsReport, TableError> {
    let walkers: Mutex<Vec<Arc<Mutex<Walker>>>> = Mutex::default();
    let mut whole = Accumulator::new(options);
    let scan = Scan {
        batches,
        threads: options.threads,
        progress,
    };
    scan.run(
        || {
            let walker = Arc::new(Mutex::new(Walker::new(options)));
            let mut all = walkers.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(Arc::clone(&walker));
            walker
        },
        |walker, batch| {
            // Nobody else has it before the end.
            let mut walker = walker.lock().unwrap_or_else(PoisonError::into_inner);
            walker.batch(batch)
        },
        |made| {
            whole.report.truncated += made.truncated;
            whole.add(&made.value);
            Ok::<_, TableError>(ControlFlow::Continue(()))
        },
    )?;
    let walkers = walkers.into_inner();
    let walkers = walkers.unwrap_or_else(PoisonError::into_inner);
    let own = walkers.into_iter().filter_map(Arc::into_inner);
    let own = own.map(|w| w.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(whole.finish(own.collect(), options))
}
