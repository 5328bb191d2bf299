//! Statistics of a file of JSON Lines, and what they cost beside a look at whether its rows are
//! JSON: `cargo bench --bench stats -- FILE [THREADS]`. `benches/stats.sh` compares the figures and
//! the time with those of another program.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]
#![allow(
    clippy::disallowed_methods,
    reason = "a bench has arguments and a clock"
)]

use std::error::Error;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use alimentar::inspect::json::validate;
use alimentar::inspect::stats::StatsOptions;
use alimentar::inspect::stats::StatsReport;
use alimentar::inspect::stats::stats;
use alimentar::inspect::table::LineTable;
use alimentar::inspect::table::Scan;
use alimentar::inspect::table::Selection;
use alimentar::inspect::table::Shape;
use alimentar::inspect::table::Table;
use alimentar::inspect::table::TableError;
use alimentar::progress::NoProgress;
use alimentar::read_at::ReadAt;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let Some(path) = arguments.next() else {
        println!("a file of JSON Lines is wanted");
        return Ok(());
    };
    let threads = arguments.next().map_or(Ok(1), |n| n.parse())?;
    let source: Arc<dyn ReadAt> = Arc::new(std::fs::File::open(path)?);
    let size = source.len() as f64 / 1e9;
    let lines = || Arc::new(LineTable::new(Arc::clone(&source), Shape::Json));
    let start = Instant::now();
    let batches = lines().batches(&Selection::default())?;
    let scan = Scan {
        batches: &*batches,
        threads,
        progress: &NoProgress,
    };
    let mut valid = 0;
    scan.run(
        || (),
        |(), batch| Ok(batch.rows().filter(|r| validate(r.text).is_ok()).count()),
        |made| {
            valid += made.value;
            Ok::<_, TableError>(ControlFlow::Continue(()))
        },
    )?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "scan: {valid} rows, {seconds:.3} s, {:.2} GB/s",
        size / seconds
    );
    let mut options = StatsOptions::default();
    options.threads = threads;
    let start = Instant::now();
    let batches = lines().batches(&Selection::default())?;
    let report = stats(&*batches, &options, &NoProgress)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("stats: {seconds:.3} s, {:.2} GB/s", size / seconds);
    print(&report);
    Ok(())
}

fn print(report: &StatsReport) {
    println!("{} rows, {} malformed", report.rows, report.malformed);
    for column in &report.columns {
        let name = column.types.column_type().name();
        println!(
            "{}: {name}, {} nulls, {} missing, {:?}",
            column.name, column.types.null, column.missing, column.distinct
        );
        if let Some(n) = &column.numbers {
            let quantiles: Vec<f64> = n.quantiles.iter().map(|q| q.value).collect();
            println!(
                "  {} to {}, mean {:?}, stddev {:?}, quantiles {quantiles:?} within {}",
                n.min, n.max, n.mean, n.stddev, n.quantile_error
            );
        }
        if let Some(t) = &column.texts {
            println!(
                "  {} to {} characters, mean {}, {} empty, {} ASCII, {:?}",
                t.lengths.min, t.lengths.max, t.lengths.mean, t.empty, t.ascii, t.scripts
            );
        }
        for top in column.top.iter().take(3) {
            println!("  {:?} {} to {}", top.text, top.at_least, top.at_most);
        }
    }
}
