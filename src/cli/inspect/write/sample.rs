//! `inspect sample`: rows drawn at random.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::context::TargetArgs;
use crate::cli::inspect::scan::scan_rows;
use crate::cli::inspect::scan::thread_count;
use crate::cli::inspect::write::row_writer::RowWriter;
use crate::cli::inspect::write::row_writer::WriteArgs;
use crate::cli::output::text::printable;
use crate::inspect::sampling::sample::SampleOptions;
use crate::inspect::sampling::sample::sample;
use crate::inspect::table::Selection;
use crate::registry::RowAssignment;
use crate::registry::host;

/// Draw rows at random, the same ones for the same seed
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect sample train.jsonl -n 5
  alimentar inspect sample my-dataset -n 1000 --seed 7 -o some.jsonl")]
pub(crate) struct SampleArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// The number of rows
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    rows: usize,
    /// Another seed draws other rows
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Write them into this file instead; its ending says in which format
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    write: WriteArgs,
}

#[derive(Serialize)]
struct SampleOutput {
    rows_in: u64,
    rows_out: usize,
    files: [String; 0],
    seconds: f64,
    rows: Vec<RowObject>,
}

#[derive(Serialize)]
struct RowObject {
    n: u64,
    text: String,
}

pub(crate) fn run(ctx: &InspectContext<'_>, args: &SampleArgs) -> Result<(), Failure> {
    let out = ctx.base.out;
    let began = host::instant();
    let target = ctx.open_targets(&args.targets.target)?;
    let options = SampleOptions {
        threads: thread_count(),
        rows: args.rows,
        seed: args.seed,
    };
    let paths = args.output.as_slice();
    let if_exists = args.write.check_destinations(ctx.base, paths)?;
    let drawn = scan_rows(ctx.base, &target, &Selection::default(), "drawing", |s| {
        Ok(sample(s.batches, &options, s.progress)?)
    })?;
    if args.output.is_some() {
        let numbers: Vec<u64> = drawn.rows.iter().map(|r| r.number).collect();
        let writer = RowWriter {
            targets: std::slice::from_ref(&target),
            paths,
            columns: &[],
            if_exists,
            args: &args.write,
        };
        let pick = |number: u64| numbers.binary_search(&number).is_ok().then_some(0);
        let written = writer.write(ctx.base, &RowAssignment::Number(&pick))?;
        return written.print(out, began.elapsed());
    }
    if !out.is_text() {
        let rows = drawn.rows.iter().map(|r| RowObject {
            n: r.number,
            text: String::from_utf8_lossy(&r.text).into_owned(),
        });
        let output = SampleOutput {
            rows_in: drawn.rows_in,
            rows_out: drawn.rows.len(),
            files: [],
            seconds: began.elapsed().as_secs_f64(),
            rows: rows.collect(),
        };
        let numbers: Vec<String> = drawn.rows.iter().map(|r| r.number.to_string()).collect();
        return Ok(out.result(&output, &numbers, "")?);
    }
    let mut bytes = Vec::new();
    for row in &drawn.rows {
        if out.has_style() {
            bytes.extend(printable(&String::from_utf8_lossy(&row.text)).into_bytes());
        } else {
            bytes.extend_from_slice(&row.text);
        }
        bytes.push(b'\n');
    }
    Ok(out.bytes(&bytes)?)
}
