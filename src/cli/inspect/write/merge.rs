//! `inspect merge`: writes the rows of several targets into one file.

use std::path::PathBuf;

use clap::Args;

use crate::cli::exit::Failure;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::write::row_writer::RowWriter;
use crate::cli::inspect::write::row_writer::WriteArgs;
use crate::registry::RowAssignment;
use crate::registry::Target;
use crate::registry::host;

/// Write the rows of several files and datasets into one
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect merge a.jsonl b.parquet my-dataset -o all.jsonl")]
pub(crate) struct MergeArgs {
    /// Paths and references, whose rows follow each other
    #[arg(required = true)]
    targets: Vec<String>,
    /// The file to write; its ending says in which format
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    write: WriteArgs,
}

pub(crate) fn run(ctx: &InspectContext<'_>, args: &MergeArgs) -> Result<(), Failure> {
    let began = host::instant();
    let paths = std::slice::from_ref(&args.output);
    let if_exists = args.write.check_destinations(ctx.base, paths)?;
    let targets: Result<Vec<Target>, Failure> =
        args.targets.iter().map(|t| ctx.open_target(t)).collect();
    let writer = RowWriter {
        targets: &targets?,
        paths,
        columns: &[],
        if_exists,
        args: &args.write,
    };
    let written = writer.write(ctx.base, &RowAssignment::All)?;
    written.print(ctx.base.out, began.elapsed())
}
