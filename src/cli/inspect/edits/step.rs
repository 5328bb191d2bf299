//! `inspect edits undo`, `redo` and `discard`.

use clap::Args;

use crate::cli::exit::Failure;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::edits::result;
use crate::inspect::edits::EditCounts;
use crate::registry::EditError;
use crate::registry::EditSession;
use crate::registry::Error;
use crate::registry::set_edits_aside;

/// Take back the newest edit
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect edits undo train.jsonl
  alimentar inspect edits undo train.jsonl --count 3")]
pub(crate) struct UndoArgs {
    #[command(flatten)]
    step: StepArgs,
}

/// Make an undone edit again
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect edits redo train.jsonl")]
pub(crate) struct RedoArgs {
    #[command(flatten)]
    step: StepArgs,
}

/// Take back all edits; `redo` makes them again until another edit is made
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect edits discard train.jsonl

Edits whose file has changed, or whose journal is damaged, are set aside beside the journal.")]
pub(crate) struct DiscardArgs {
    /// A file, a dataset, or REF:path/in/dataset
    target: String,
}

#[derive(Debug, Args)]
struct StepArgs {
    /// A file, a dataset, or REF:path/in/dataset
    target: String,
    /// The number of edits
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: usize,
}

pub(crate) fn undo(ctx: &InspectContext<'_>, args: &UndoArgs) -> Result<(), Failure> {
    let bar = ctx.base.progress_bar();
    let mut session = open(ctx, &args.step.target)?;
    session.undo(args.step.count, &bar)?;
    drop(bar);
    result::print(ctx.base.out, &args.step.target, session.counts()?, None)
}

pub(crate) fn redo(ctx: &InspectContext<'_>, args: &RedoArgs) -> Result<(), Failure> {
    let bar = ctx.base.progress_bar();
    let mut session = open(ctx, &args.step.target)?;
    session.redo(args.step.count, &bar)?;
    drop(bar);
    result::print(ctx.base.out, &args.step.target, session.counts()?, None)
}

pub(crate) fn discard(ctx: &InspectContext<'_>, args: &DiscardArgs) -> Result<(), Failure> {
    let bar = ctx.base.progress_bar();
    let counts = match open(ctx, &args.target) {
        Ok(mut session) => {
            session.undo_all(&bar)?;
            session.counts()?
        }
        Err(Failure::Library(error)) if is_hopeless(&error) => {
            let (home, options) = (ctx.base.home()?, ctx.target_options()?);
            let aside = set_edits_aside(&args.target, &home, &options, &bar)?;
            let aside = aside.ok_or(Failure::Library(error))?;
            ctx.base.out.diagnostic(&format!(
                "the edits did not fit any more; they are in `{}`",
                aside.display()
            ));
            EditCounts::default()
        }
        Err(error) => return Err(error),
    };
    drop(bar);
    result::print(ctx.base.out, &args.target, counts, None)
}

/// True if edits cannot be undone, but set aside.
fn is_hopeless(error: &Error) -> bool {
    matches!(
        error,
        Error::Edit(EditError::BaseChanged { .. } | EditError::Journal { .. })
            | Error::NotHere(_)
            | Error::File { .. }
    )
}

fn open(ctx: &InspectContext<'_>, target: &str) -> Result<EditSession, Failure> {
    let bar = ctx.base.progress_bar();
    let (home, options) = (ctx.base.home()?, ctx.target_options()?);
    Ok(EditSession::open(target, &home, &options, &bar)?)
}
