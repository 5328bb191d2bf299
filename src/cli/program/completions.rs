//! `completions`: scripts that complete command lines, and `complete`, which the scripts call.

use clap::Args;
use clap::Command;
use clap_complete::Shell;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::printable;
use crate::cli::surface::complete::find_candidates;
use crate::cli::surface::completion_scripts::completion_script;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar completions bash > alimentar.bash")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Print candidates for the last word of a line, for completion scripts
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct CompleteArgs {
    /// The words of the line
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

pub(crate) fn run(
    ctx: &Context,
    args: &CompletionsArgs,
    mut program: Command,
) -> Result<(), Failure> {
    let script = completion_script(args.shell, &mut program);
    Ok(ctx.out.bytes(&script)?)
}

pub(crate) fn run_complete(
    ctx: &Context,
    args: &CompleteArgs,
    program: Command,
) -> Result<(), Failure> {
    let found = find_candidates(ctx, &args.words, program);
    let lines: String = found.iter().map(|c| printable(c) + "\n").collect();
    Ok(ctx.out.bytes(lines.as_bytes())?)
}
