//! `documents delete`: deletes documents by id.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::exit::Failure;
use crate::documents::DocumentError;
use crate::documents::StoreOptions;

/// Delete documents
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar documents delete ./store -c train user_001")]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    at: CollectionArgs,
    /// The ids
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

#[derive(Serialize)]
struct DeleteOutput<'a> {
    id: &'a str,
    deleted: u64,
    missing: Vec<&'a str>,
}

pub(crate) fn run(ctx: &Context, args: &DeleteArgs) -> Result<(), Failure> {
    args.at.writable(ctx)?.require()?;
    let mut writer = args.at.open_writer(ctx, &StoreOptions::default())?;
    let (mut deleted, mut missing) = (Vec::new(), Vec::new());
    for id in &args.ids {
        match writer.delete(id)? {
            true => deleted.push(id.clone()),
            false => missing.push(id.as_str()),
        }
    }
    writer.finish()?;
    if let (true, Some(id)) = (deleted.is_empty(), missing.first()) {
        let id = id.chars().take(80).collect();
        return Err(DocumentError::NoDocument(id).into());
    }
    let partial = missing.first().map(|id| {
        Failure::Partial(format!(
            "{} of the documents are not there, as `{id}`",
            missing.len()
        ))
    });
    let output = DeleteOutput {
        id: args.ids.first().map_or("", String::as_str),
        deleted: deleted.len() as u64,
        missing,
    };
    let text = format!("Deleted {} documents\n", deleted.len());
    ctx.out.result(&output, &deleted, &text)?;
    partial.map_or(Ok(()), Err)
}
