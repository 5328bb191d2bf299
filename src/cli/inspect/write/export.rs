//! `inspect export`: writes rows in another format.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::inspect::columns::require_columns;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::context::TargetArgs;
use crate::cli::inspect::scan::thread_count;
use crate::cli::inspect::write::row_writer::RowWriter;
use crate::cli::inspect::write::row_writer::WriteArgs;
use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::DedupReport;
use crate::inspect::dedup::Method;
use crate::inspect::dedup::dedup;
use crate::inspect::table::Selection;
use crate::registry::RowAssignment;
use crate::registry::SpillDirectory;
use crate::registry::Target;
use crate::registry::host;

/// Write all rows, or the unique ones, in another format
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect export train.jsonl -o train.parquet
  alimentar inspect export my-dataset --unique -o unique.csv

Formats: .jsonl .csv .tsv .parquet .arrow .arrows .txt; any other ending keeps the format of the input.
Columns of Parquet and Arrow keep their types in Parquet and Arrow; a field of CSV gets a type if no value
loses anything by it.")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// The file to write; its ending says in which format
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Drop exact duplicates, keeping the first occurrence
    #[arg(long)]
    unique: bool,
    /// Only this column; may be given several times
    #[arg(long, value_name = "C")]
    column: Vec<String>,
    #[command(flatten)]
    write: WriteArgs,
}

pub(crate) fn run(ctx: &InspectContext<'_>, args: &ExportArgs) -> Result<(), Failure> {
    let began = host::instant();
    let paths = std::slice::from_ref(&args.output);
    let if_exists = args.write.check_destinations(ctx.base, paths)?;
    let target = ctx.open_targets(&args.targets.target)?;
    require_columns(ctx.base, &target, &args.column)?;
    let duplicates = if args.unique {
        Some(find_duplicates(ctx.base, &target)?.removed)
    } else {
        None
    };
    let writer = RowWriter {
        targets: &[target],
        paths,
        columns: &args.column,
        if_exists,
        args: &args.write,
    };
    let written = match duplicates {
        None => writer.write(ctx.base, &RowAssignment::All)?,
        Some(duplicates) => {
            let pick = |number: u64| (!duplicates.contains(number)).then_some(0);
            writer.write(ctx.base, &RowAssignment::Number(&pick))?
        }
    };
    written.print(ctx.base.out, began.elapsed())
}

fn find_duplicates(ctx: &Context, target: &Target) -> Result<DedupReport, Failure> {
    let bar = ctx.progress_bar();
    let spill = SpillDirectory::create(&ctx.home()?)?;
    let options = DedupOptions {
        method: Method::Exact,
        threads: thread_count(),
        size_bytes: Some(target.size_bytes()),
        spill: spill.spill(),
        ..DedupOptions::default()
    };
    let open = |s: &Selection| Ok(target.all_batches(&s.columns));
    Ok(dedup(&open, &options, &bar).map_err(|e| target.blame(e))?)
}
