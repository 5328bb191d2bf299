//! `inspect filter`: writes the rows that a regular expression matches.

use std::path::PathBuf;

use clap::Args;

use crate::cli::exit::Failure;
use crate::cli::inspect::columns::require_columns;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::context::TargetArgs;
use crate::cli::inspect::search::PatternArgs;
use crate::cli::inspect::write::row_writer::RowWriter;
use crate::cli::inspect::write::row_writer::WriteArgs;
use crate::registry::RowAssignment;
use crate::registry::host;

/// Write the rows that a regular expression matches
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect filter train.jsonl 'python' -o python.jsonl
  alimentar inspect filter train.parquet '^$' --column answer --invert -o answered.parquet")]
pub(crate) struct FilterArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// The file to write; its ending says in which format
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    pattern: PatternArgs,
    #[command(flatten)]
    write: WriteArgs,
}

pub(crate) fn run(ctx: &InspectContext<'_>, args: &FilterArgs) -> Result<(), Failure> {
    let began = host::instant();
    let pattern = args.pattern.compile()?;
    let paths = std::slice::from_ref(&args.output);
    let if_exists = args.write.check_destinations(ctx.base, paths)?;
    let target = ctx.open_targets(&args.targets.target)?;
    require_columns(ctx.base, &target, args.pattern.columns())?;
    let writer = RowWriter {
        targets: &[target],
        paths,
        columns: &[],
        if_exists,
        args: &args.write,
    };
    let picks = RowAssignment::Content(&|batch, row, scratch| {
        pattern.is_hit(batch, row, scratch).then_some(0)
    });
    let written = writer.write(ctx.base, &picks)?;
    written.print(ctx.base.out, began.elapsed())
}
