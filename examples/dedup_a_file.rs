//! Finds exact and near-duplicate rows of a file.
//!
//! `cargo run --example dedup_a_file -- tests/data/gsm8k/test.jsonl`
#![allow(clippy::print_stdout, reason = "an example shows what it did")]

use std::error::Error;
use std::fs::File;
use std::sync::Arc;

use alimentar::inspect::dedup::DedupOptions;
use alimentar::inspect::dedup::dedup;
use alimentar::inspect::table::OpenOptions;
use alimentar::inspect::table::Selection;
use alimentar::inspect::table::open_table;
use alimentar::progress::NoProgress;
use alimentar::read_at::ReadAt;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("give a file")?;
    let source: Arc<dyn ReadAt> = Arc::new(File::open(&path)?);
    let table = open_table(source, &path, OpenOptions::default())?.table;

    // The rows are read several times: each pass begins with a new reader.
    let open = |selection: &Selection| Arc::clone(&table).batches(selection);
    let report = dedup(&open, &DedupOptions::default(), &NoProgress)?;
    println!(
        "{} rows, {} without exact and near-duplicates",
        report.rows, report.unique_rows
    );
    Ok(())
}
