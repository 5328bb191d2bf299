//! `documents import`: stores the documents of a file.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::documents::change::bulk::BulkArgs;
use crate::cli::documents::change::bulk::store_lines;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::exit::Failure;

/// Store the documents of a file of JSON Lines
#[derive(Debug, Args)]
#[command(
    after_help = "Each line is an object with its id. The id of a document may be any string or integer \
field that makes an id: letters, digits, `_`, `.` and `-`.

Examples:
  alimentar documents import ./store -c train documents.jsonl
  alimentar documents import ./store -c users train.jsonl --id user_id"
)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    at: CollectionArgs,
    /// The file, or `-` for stdin
    file: PathBuf,
    #[command(flatten)]
    bulk: BulkArgs,
}

pub(crate) fn run(ctx: &Context, args: &ImportArgs) -> Result<(), Failure> {
    store_lines(ctx, &args.at, &args.bulk, &args.file)
}
