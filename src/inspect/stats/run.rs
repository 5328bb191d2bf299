//! The statistics pass over all rows.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::inspect::stats::StatsOptions;
use crate::inspect::stats::StatsReport;
use crate::inspect::stats::accumulate::Accumulator;
use crate::inspect::stats::json_walk::Walker;
use crate::inspect::table::Batches;
use crate::inspect::table::Scan;
use crate::inspect::table::TableError;
use crate::locks::lock;
use crate::progress::Progress;

/// Computes the statistics of all columns.
///
/// # Errors
/// [`TableError`] of the first unreadable batch, in row order.
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
            let mut all = lock(&walkers);
            all.push(Arc::clone(&walker));
            walker
        },
        |walker, batch| {
            // No other thread uses it before the end.
            let mut walker = lock(walker);
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
