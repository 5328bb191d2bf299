//! Commands that edit rows without a copy of their file.

mod apply;
pub(crate) mod edit;
pub(crate) mod list;
mod result;
pub(crate) mod step;

use clap::Args;
use clap::Subcommand;

use crate::cli::exit::Failure;
use crate::cli::inspect::context::InspectContext;

/// List, undo, redo, discard or write out the edits of a file or dataset
#[derive(Debug, Args)]
pub(crate) struct EditsArgs {
    #[command(subcommand)]
    command: EditsCommand,
}

#[derive(Debug, Subcommand)]
enum EditsCommand {
    List(list::ListArgs),
    Undo(step::UndoArgs),
    Redo(step::RedoArgs),
    Discard(step::DiscardArgs),
    Apply(Box<apply::ApplyArgs>),
}

pub(crate) fn run(ctx: &InspectContext<'_>, args: &EditsArgs) -> Result<(), Failure> {
    match &args.command {
        EditsCommand::List(args) => list::run(ctx, args),
        EditsCommand::Undo(args) => step::undo(ctx, args),
        EditsCommand::Redo(args) => step::redo(ctx, args),
        EditsCommand::Discard(args) => step::discard(ctx, args),
        EditsCommand::Apply(args) => apply::run(ctx, args),
    }
}
