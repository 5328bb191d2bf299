//! `documents get`: prints documents.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::exit::Failure;
use crate::cli::output::text::escape_hidden;

/// Print documents
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar documents get ./store -c train user_001
  alimentar documents get ./store -c train user_001 --pretty
  alimentar documents get users@0.1.0 user_001")]
pub(crate) struct GetArgs {
    #[command(flatten)]
    at: CollectionArgs,
    /// The ids; a document a line
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Print over several lines
    #[arg(long)]
    pretty: bool,
}

pub(crate) fn run(ctx: &Context, args: &GetArgs) -> Result<(), Failure> {
    let at = args.at.read(ctx)?;
    let collection = at.open()?;
    for id in &args.ids {
        let document = collection.get(id)?;
        let text = match document.json() {
            Ok(value) if args.pretty => serde_json::to_string_pretty(&value).unwrap_or_default(),
            _ => String::from_utf8_lossy(document.as_bytes()).into_owned(),
        };
        ctx.out.bytes((escape_hidden(text) + "\n").as_bytes())?;
    }
    Ok(())
}
