//! `view`: a terminal program to look at rows, and at the registry.

mod peers;

use std::sync::Arc;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::inspect::reading::ReadingArgs;
use crate::cli::view::peers::HomePeers;
use crate::registry::Error;
use crate::registry::TargetOptions;
use crate::tui::ViewError;
use crate::tui::ViewOptions;
use crate::tui::keys_as_json;
use crate::tui::keys_as_text;

/// Look at rows in the terminal; without a TARGET, at the registry
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar view train.jsonl
  alimentar view my-dataset@1.2.0
  zcat train.jsonl.gz | alimentar view -
  alimentar view

The first rows are there at once, whatever the size. `?` shows the keys, `:` takes commands by their names,
`q` leaves. Numbers of rows are guesses with `~` until the rows are counted.")]
pub(crate) struct ViewArgs {
    /// A path, a reference to a dataset, REF:path/in/dataset, or - for standard input
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// Print the keys instead
    #[arg(long)]
    print_keys: bool,
    #[command(flatten)]
    reading: ReadingArgs,
}

pub(crate) fn run(ctx: &Context, args: &ViewArgs) -> Result<(), Failure> {
    let keys = &ctx.defaults.view_keys;
    if args.print_keys {
        return Ok(ctx
            .out
            .result(&keys_as_json(keys), &[], &keys_as_text(keys))?);
    }
    if ctx.out.is_json() {
        return Err(Failure::usage("view is for people: `inspect` prints JSON"));
    }
    let mut options = ViewOptions::new(ctx.home()?);
    options.target = args.target.clone();
    options.reading = TargetOptions {
        reading: args.reading.options()?,
        allow_large: ctx.global.allow_large,
        remote: Some(ctx.remote()?.clone()),
        edits: true,
    };
    options.has_colours = !ctx.global.no_color;
    options.keys = keys.clone();
    options.peers = Some(Arc::new(HomePeers {
        home: ctx.home()?,
        allow_large: ctx.global.allow_large,
    }));
    match crate::tui::view(options) {
        Ok(()) => Ok(()),
        Err(ViewError::Stopped) => Err(Error::Interrupted.into()),
        Err(ViewError::Terminal(source)) => Err(Error::machine("use the terminal", source).into()),
        Err(error) => Err(Failure::Partial(error.to_string())),
    }
}
