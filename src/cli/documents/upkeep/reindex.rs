//! `documents reindex`: writes the index anew.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::change::bulk::IndexArgs;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::exit::Failure;
use crate::progress::Progress as _;

/// Write the index that other programs read anew, from the log
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar documents reindex ./store -c train
  alimentar documents reindex ./store -c train --index text")]
pub(crate) struct ReindexArgs {
    #[command(flatten)]
    at: CollectionArgs,
    #[command(flatten)]
    index: IndexArgs,
}

#[derive(Serialize)]
struct ReindexOutput {
    documents: u64,
}

pub(crate) fn run(ctx: &Context, args: &ReindexArgs) -> Result<(), Failure> {
    let bar = ctx.progress_bar();
    bar.phase("reindex", None);
    let documents = args.at.open_log(ctx, &args.index.options())?.reindex()?;
    drop(bar);
    let text = format!("Indexed {documents} documents\n");
    Ok(ctx.out.result(&ReindexOutput { documents }, &[], &text)?)
}
