//! `documents init`: makes a store and a collection.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::documents::collection::CollectionArgs;
use crate::cli::exit::Failure;
use crate::documents::CollectionManifest;
use crate::documents::DocumentError;
use crate::documents::FastStore;
use crate::documents::StoreOptions;
use crate::documents::SyncWriter;
use crate::registry::host;

/// Make a store and a collection in it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar documents init ./store -c train
  alimentar documents init ./store -c labels --strict")]
pub(crate) struct InitArgs {
    #[command(flatten)]
    at: CollectionArgs,
    /// Refuse documents whose fields have other types than those of the first one
    #[arg(long)]
    strict: bool,
    /// Keep each document in a file of its own, for version control and editors
    #[arg(long)]
    files: bool,
}

#[derive(Serialize)]
struct InitOutput {
    root: String,
    collection: String,
    strict: bool,
    files: bool,
}

pub(crate) fn run(ctx: &Context, args: &InitArgs) -> Result<(), Failure> {
    let layout = args.at.writable(ctx)?;
    layout.init_collection()?;
    let name = layout.name().to_string();
    let known = CollectionManifest::read(&layout)?;
    if known.as_ref().is_some_and(|m| m.strict != args.strict) {
        return Err(Failure::Misused {
            message: format!("the collection `{name}` is there, and is not made the same way"),
            hint: "leave it as it is, or choose another name with -c".to_owned(),
        });
    }
    if args.files {
        if layout.data_file().exists() {
            return Err(Failure::Misused {
                message: format!("the collection `{name}` is there, as a log"),
                hint: "choose another name with -c".to_owned(),
            });
        }
        let mut writer = SyncWriter::of_layout(layout.clone())?;
        writer.write_lists()?;
    } else if !layout.has_files_only() {
        drop(FastStore::open_with(
            layout.clone(),
            &StoreOptions::default(),
        )?);
    } else {
        return Err(DocumentError::FilesOnly(name).into());
    }
    if known.is_none() {
        let created = host::now().to_rfc3339();
        CollectionManifest::new(&name, args.strict, created).write(&layout)?;
    }
    let output = InitOutput {
        root: args.at.root.display().to_string(),
        collection: name.clone(),
        strict: args.strict,
        files: args.files,
    };
    let text = format!("Made the collection `{name}` in `{}`\n", output.root);
    Ok(ctx.out.result(&output, &[name], &text)?)
}
