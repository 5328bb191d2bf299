//! Scans over the rows of a target.

use std::io;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::out::Out;
use crate::cli::output::progress_bar::ProgressBar;
use crate::inspect::table::Scan;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::progress::Progress;
use crate::registry::Target;

/// The fault that ended a scan.
pub(super) enum ScanError {
    /// The rows could not be read.
    Rows(TableError),
    /// The results could not be written.
    Sink(Failure),
}

impl From<TableError> for ScanError {
    fn from(error: TableError) -> Self {
        Self::Rows(error)
    }
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Sink(error.into())
    }
}

/// Scans the rows of a target under a progress bar.
pub(super) fn scan_rows<T>(
    ctx: &Context,
    target: &Target,
    selection: &Selection,
    phase: &str,
    go: impl FnOnce(&Scan<'_>) -> Result<T, ScanError>,
) -> Result<T, Failure> {
    scan_rows_with_bar(&ctx.progress_bar(), target, selection, phase, go)
}

/// Scans the rows of a target under the bar of the caller.
pub(super) fn scan_rows_with_bar<T>(
    bar: &ProgressBar,
    target: &Target,
    selection: &Selection,
    phase: &str,
    go: impl FnOnce(&Scan<'_>) -> Result<T, ScanError>,
) -> Result<T, Failure> {
    let batches = target.batches(selection)?;
    bar.phase(phase, Some(target.size_bytes()));
    let scan = Scan {
        batches: &*batches,
        threads: thread_count(),
        progress: bar,
    };
    go(&scan).map_err(|e| match e {
        ScanError::Rows(source) => target.blame(source).into(),
        ScanError::Sink(failure) => failure,
    })
}

/// The number of threads of a scan.
pub(super) fn thread_count() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get())
}

/// Warns about rows that were too long to be looked at as a whole.
pub(super) fn warn_about_truncation(out: Out, truncated: u64) {
    if truncated > 0 {
        out.diagnostic(&format!(
            "warning: of {truncated} row(s) only the first 64 MiB were looked at"
        ));
    }
}
