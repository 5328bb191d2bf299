//! `registry resolve`: the full content id of a reference.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::registry::reference::RefArgs;
use crate::cli::registry::reference::find_dataset;

/// Print the full content id of a reference, for a training log
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar resolve train
  alimentar -q resolve train@^0.1")]
pub(crate) struct ResolveArgs {
    #[command(flatten)]
    reference: RefArgs,
}

#[derive(Serialize)]
struct ResolveOutput {
    content_id: String,
    name: String,
    version: String,
}

pub(crate) fn run(ctx: &Context, args: &ResolveArgs) -> Result<(), Failure> {
    let m = find_dataset(ctx, &args.reference.reference)?.manifest;
    let output = ResolveOutput {
        content_id: m.content_id.to_string(),
        name: m.name.to_string(),
        version: m.dataset_version.to_string(),
    };
    let id = output.content_id.clone();
    let text = format!("{id}  {}@{}\n", m.name, m.dataset_version);
    Ok(ctx.out.result(&output, &[id], &text)?)
}
