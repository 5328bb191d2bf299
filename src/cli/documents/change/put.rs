//! `documents put`: stores a document, or those of standard input.

use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::change::bulk::BulkArgs;
use crate::cli::documents::change::bulk::IndexArgs;
use crate::cli::documents::change::bulk::store_lines;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::exit::Failure;
use crate::documents::format::limits::LINE_BYTES_MAX;
use crate::file_io::read_given;
use crate::registry::Error;

/// Store a document in place of the one with its id
#[derive(Debug, Args)]
#[command(
    after_help = "It is durable when the command ends. A document without --data is read from stdin; with \
`-` as the ID, stdin has one document a line, each with its `_id`.

Examples:
  alimentar documents put ./store -c train user_001 --data '{\"name\":\"Ada\",\"age\":36}'
  echo '{\"name\":\"Bob\"}' | alimentar documents put ./store -c train user_002
  alimentar documents put ./store -c train - < documents.jsonl"
)]
pub(crate) struct PutArgs {
    #[command(flatten)]
    at: CollectionArgs,
    /// The id, of letters, digits, `_`, `.` and `-`; `-` for JSON Lines on stdin
    #[arg(value_name = "ID")]
    document: String,
    /// The document, a JSON object [default: stdin]
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    #[command(flatten)]
    bulk: BulkArgs,
}

#[derive(Serialize)]
struct PutOutput<'a> {
    id: &'a str,
    stored: u64,
}

pub(crate) fn run(ctx: &Context, args: &PutArgs) -> Result<(), Failure> {
    let stdin = Path::new("-");
    if args.document == "-" {
        return match args.data {
            None => store_lines(ctx, &args.at, &args.bulk, stdin),
            Some(_) => Err(Failure::usage(
                "--data is one document, and `-` reads many from stdin",
            )),
        };
    }
    let document = match &args.data {
        Some(data) => data.clone().into_bytes(),
        None => read_given(stdin, LINE_BYTES_MAX).map_err(|e| Error::file("read", stdin, e))?,
    };
    let index: &IndexArgs = args.bulk.index();
    let mut writer = args.at.open_writer(ctx, &index.options())?;
    writer.put_raw(&args.document, &document)?;
    writer.finish()?;
    let output = PutOutput {
        id: &args.document,
        stored: 1,
    };
    let text = format!("Stored `{}`\n", args.document);
    Ok(ctx
        .out
        .result(&output, std::slice::from_ref(&args.document), &text)?)
}
