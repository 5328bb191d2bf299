//! `registry status`: changes of a directory since it was checked out or indexed.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::registry::working_copy::changes::print_changes;

/// Show changes of a directory since it was checked out or indexed
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry status ./corpus
  alimentar registry status --exit-code || echo changed")]
pub(crate) struct StatusArgs {
    /// A directory or a file that was checked out or indexed, or something inside
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// End with 1 if something changed
    #[arg(long)]
    exit_code: bool,
}

pub(crate) fn run(ctx: &Context, args: &StatusArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let bar = ctx.progress_bar();
    let report = registry.working_copies().status(&args.dir, &bar)?;
    drop(bar);
    print_changes(ctx, &report, None, args.exit_code)
}
