//! `documents stats`: numbers about a collection.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;

/// Count documents, bytes and schemas
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar documents stats ./store -c train")]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    at: CollectionArgs,
}

#[derive(Serialize)]
struct StatsOutput {
    collection: String,
    documents: u64,
    live_bytes: u64,
    file_bytes: u64,
    schemas: u64,
    strict: bool,
}

pub(crate) fn run(ctx: &Context, args: &StatsArgs) -> Result<(), Failure> {
    let at = args.at.read(ctx)?;
    let stats = at.open()?.stats()?;
    let output = StatsOutput {
        collection: at.layout.name().to_string(),
        documents: stats.documents,
        live_bytes: stats.live_bytes,
        file_bytes: stats.file_bytes,
        schemas: stats.schemas,
        strict: stats.is_strict,
    };
    let text = format!(
        "{} documents, {} of {} in use, {} schemas{}\n",
        stats.documents,
        human_bytes(stats.live_bytes),
        human_bytes(stats.file_bytes),
        stats.schemas,
        if stats.is_strict { ", strict" } else { "" }
    );
    Ok(ctx.out.result(&output, &[], &text)?)
}
