//! `view`: a terminal program to look at rows, and at the registry.

mod assistant;
mod peers;

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::inspect::reading::ReadingArgs;
use crate::cli::mcp::http::DEFAULT_ADDRESS;
use crate::cli::mcp::http::Served;
use crate::cli::mcp::http::parse_address;
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
  alimentar view train.jsonl --mcp

The first rows are there at once, whatever the size. `?` shows the keys, `:` takes commands by their names,
`q` leaves. Numbers of rows are guesses with `~` until the rows are counted.")]
pub(crate) struct ViewArgs {
    /// A path, a reference to a dataset, REF:path/in/dataset, or - for standard input
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// Print the keys instead
    #[arg(long)]
    print_keys: bool,
    /// Let assistants look along, and move the viewer: serve them over HTTP at this address, a port or
    /// host:port [default without a value: 127.0.0.1:8766]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = DEFAULT_ADDRESS, value_parser = parse_address)]
    mcp: Option<SocketAddr>,
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
    // It serves until the viewer is closed.
    let _served = match args.mcp {
        Some(address) => Some(serve(ctx, args, address, &mut options)?),
        None => None,
    };
    match crate::tui::view(options) {
        Ok(()) => Ok(()),
        Err(ViewError::Stopped) => Err(Error::Interrupted.into()),
        Err(ViewError::Terminal(source)) => Err(Error::machine("use the terminal", source).into()),
        Err(error) => Err(Failure::Partial(error.to_string())),
    }
}

/// Starts the server for assistants, and tells its address.
fn serve(
    ctx: &Context,
    args: &ViewArgs,
    address: SocketAddr,
    options: &mut ViewOptions,
) -> Result<Served, Failure> {
    if args.target.as_deref() == Some("-") {
        return Err(Failure::usage(
            "assistants cannot read standard input along: write it into a file first",
        ));
    }
    let (target, reading) = (args.target.as_deref(), options.reading.clone());
    let (served, steered) = assistant::start(target, reading, &options.home, address)?;
    let said = format!("assistants: {}", served.sentence());
    // The screen of the viewer comes next; the line is there again behind it.
    ctx.out.diagnostic(&said);
    options.greeting = said.lines().next().map(str::to_owned);
    options.steered = Some(steered);
    Ok(served)
}
