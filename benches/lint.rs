//! Lint on one core, with all rules and with each alone: `cargo bench --bench lint -- [FILE...]` with
//! files of JSON Lines, of which the first 64 MiB are read; the rows of the tests without.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use alimentar::inspect::lint::LintOptions;
use alimentar::inspect::lint::RULES;
use alimentar::inspect::lint::lint;
use alimentar::inspect::table::LineTable;
use alimentar::inspect::table::Selection;
use alimentar::inspect::table::Shape;
use alimentar::inspect::table::Table;
use alimentar::progress::NoProgress;

/// Turns that each way gets. The fastest counts: what else a machine does only adds.
const TURNS: usize = 7;

fn once(table: &Arc<LineTable>, options: &LintOptions) -> Duration {
    let start = Instant::now();
    let batches = Arc::clone(table).batches(&Selection::default());
    let report = batches.and_then(|batches| lint(&*batches, options, &NoProgress));
    assert!(report.is_ok_and(|r| r.checked > 0));
    start.elapsed()
}

fn table(name: &str, text: Vec<u8>) {
    let bytes = text.len() as f64;
    let table = Arc::new(LineTable::new(Arc::new(text), Shape::Json));
    let mut ways = vec![
        ("all", LintOptions::default()),
        ("none", LintOptions::only(&[])),
    ];
    ways.extend(RULES.iter().map(|r| (r.name, LintOptions::only(&[r.id]))));
    let mut least = vec![Duration::MAX; ways.len()];
    for _ in 0..TURNS {
        for ((_, options), least) in ways.iter().zip(&mut least) {
            *least = once(&table, options).min(*least);
        }
    }
    let none = least.get(1).map_or(0.0, Duration::as_secs_f64);
    println!("\n{name}: {bytes} bytes\n");
    println!("| rules | MB/s | ns a KB more than none |\n|---|---:|---:|");
    for ((name, _), time) in ways.iter().zip(&least) {
        let seconds = time.as_secs_f64();
        let more = (seconds - none) / bytes * 1e12;
        println!("| {name} | {:.0} | {more:.0} |", bytes / seconds / 1e6);
    }
}

fn main() -> std::io::Result<()> {
    let paths: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    if paths.is_empty() {
        let rows = include_bytes!("../tests/data/gsm8k/test.jsonl");
        table("gsm8k", rows.repeat(40));
    }
    for path in paths {
        let mut text = Vec::new();
        std::fs::File::open(&path)?
            .take(64 << 20)
            .read_to_end(&mut text)?;
        text.truncate(memchr::memrchr(b'\n', &text).map_or(0, |n| n + 1));
        table(&path, text);
    }
    Ok(())
}
