//! `registry share` and `registry unshare`: shows a dataset to peers, or hides it.

use clap::Args;
use serde::Serialize;

use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::registry::reference::RefArgs;
use crate::cli::registry::reference::find_dataset;

/// Show a dataset to peers, no matter who made it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar share train")]
pub(crate) struct ShareArgs {
    #[command(flatten)]
    reference: RefArgs,
}

/// Hide a dataset from peers
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar unshare train")]
pub(crate) struct UnshareArgs {
    #[command(flatten)]
    reference: RefArgs,
}

#[derive(Serialize)]
struct ShareOutput {
    content_id: String,
    shared: bool,
}

pub(crate) fn run(ctx: &Context, args: &ShareArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let d = find_dataset(ctx, &args.reference.reference)?;
    registry.peers().share(&d)?;
    print_change(ctx, &d, true, "Peers may see")
}

pub(crate) fn run_unshare(ctx: &Context, args: &UnshareArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let d = find_dataset(ctx, &args.reference.reference)?;
    registry.peers().unshare(&d)?;
    print_change(ctx, &d, false, "Kept from peers:")
}

fn print_change(ctx: &Context, d: &Dataset, shared: bool, did: &str) -> Result<(), Failure> {
    let m = &d.manifest;
    let output = ShareOutput {
        content_id: m.content_id.to_string(),
        shared,
    };
    let id = output.content_id.clone();
    let text = format!("{did} {}@{}\n", m.name, m.dataset_version);
    Ok(ctx.out.result(&output, &[id], &text)?)
}
