//! `documents list`: the collections of a store.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::collection::open_dataset;
use crate::cli::exit::Failure;
use crate::documents::Collection;
use crate::documents::Layout;

/// List the collections of a store
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar documents list ./store")]
pub(crate) struct ListArgs {
    /// The directory of the store, or a dataset
    root: PathBuf,
}

#[derive(Serialize)]
struct ListOutput {
    collections: Vec<CollectionObject>,
}

#[derive(Serialize)]
struct CollectionObject {
    name: String,
    documents: u64,
    kind: &'static str,
}

pub(crate) fn run(ctx: &Context, args: &ListArgs) -> Result<(), Failure> {
    let mut collections = Vec::new();
    let store = open_dataset(ctx, &args.root)?;
    let root = store.as_ref().map_or(args.root.as_path(), |s| s.root());
    for name in Layout::collections(root)? {
        let collection = Collection::open(Layout::new(root, name.as_str())?)?;
        collections.push(CollectionObject {
            name: name.to_string(),
            documents: collection.len() as u64,
            kind: match collection {
                Collection::Log(_) => "log",
                Collection::Files(_) => "files",
            },
        });
    }
    let row =
        |c: &CollectionObject| vec![c.name.clone(), c.documents.to_string(), c.kind.to_owned()];
    let rows: Vec<Vec<String>> = collections.iter().map(row).collect();
    let text = ctx.out.table(&["COLLECTION", "DOCUMENTS", "KIND"], &rows);
    let names: Vec<String> = collections.iter().map(|c| c.name.clone()).collect();
    Ok(ctx.out.result(&ListOutput { collections }, &names, &text)?)
}
