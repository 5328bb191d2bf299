//! `documents schema`: the types of the documents.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::exit::Failure;

/// List the schemas of the documents, and how many documents have each
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar documents schema ./store -c train")]
pub(crate) struct SchemaArgs {
    #[command(flatten)]
    at: CollectionArgs,
}

#[derive(Serialize)]
struct SchemaOutput {
    strict: bool,
    schemas: Vec<SchemaObject>,
}

#[derive(Serialize)]
struct SchemaObject {
    schema_id: String,
    schema: serde_json::Value,
    documents: u64,
}

pub(crate) fn run(ctx: &Context, args: &SchemaArgs) -> Result<(), Failure> {
    let at = args.at.read(ctx)?;
    let collection = at.open()?;
    let found = collection.schemas()?;
    let row = |s: &crate::documents::SchemaCount| {
        let id: String = s.schema_id.chars().take(12).collect();
        vec![id, s.documents.to_string(), s.text.clone()]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    let text = ctx.out.table(&["SCHEMA", "DOCUMENTS", "TYPES"], &rows);
    let ids: Vec<String> = found.iter().map(|s| s.schema_id.clone()).collect();
    let object = |s: crate::documents::SchemaCount| SchemaObject {
        schema: serde_json::from_str(&s.text).unwrap_or_else(|_| s.text.clone().into()),
        schema_id: s.schema_id,
        documents: s.documents,
    };
    let output = SchemaOutput {
        strict: crate::documents::CollectionManifest::read(&at.layout)?.is_some_and(|m| m.strict),
        schemas: found.into_iter().map(object).collect(),
    };
    Ok(ctx.out.result(&output, &ids, &text)?)
}
