//! `registry ls`: the files of a dataset.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::cli::registry::datasets::list::list_local;
use crate::cli::registry::datasets::listed::FileObject;
use crate::cli::registry::elsewhere::files_at;
use crate::cli::registry::elsewhere::url_of;
use crate::cli::registry::network::look::FoundDataset;
use crate::cli::registry::network::look::LookArgs;
use crate::cli::registry::network::look::Looks;
use crate::inspect::FileFormat;
use crate::remote::RemoteUrl;

/// List the files of a dataset; without one, the datasets
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar ls
  alimentar ls photos")]
pub(crate) struct LsArgs {
    /// A reference or a URL
    pub reference: Option<String>,
    #[command(flatten)]
    look: LookArgs,
}

#[derive(Serialize)]
struct LsOutput {
    files: Vec<FileObject>,
}

pub(crate) fn run(ctx: &Context, args: &LsArgs) -> Result<(), Failure> {
    let Some(reference) = &args.reference else {
        return list_local(ctx, false);
    };
    if let Some(url) = url_of(reference)? {
        return run_elsewhere(ctx, &url);
    }
    let registry = ctx.registry()?;
    let looks = Looks::new(ctx, &args.look);
    let files = match looks.dataset(reference)? {
        FoundDataset::Held(dataset) => registry.files(&dataset.manifest)?,
        FoundDataset::Look(look) => look.table().clone(),
    };
    let rows: Vec<Vec<String>> = files
        .files()
        .iter()
        .map(|f| {
            vec![
                human_bytes(f.size_bytes),
                f.rows.map_or_else(String::new, |rows| rows.to_string()),
                FileFormat::from_number(f.format).name().to_owned(),
                f.content_id.map_or_else(String::new, |id| id.short()),
                f.path.clone(),
            ]
        })
        .collect();
    let paths: Vec<String> = files.files().iter().map(|f| printable(&f.path)).collect();
    let text = ctx
        .out
        .table(&["SIZE", "ROWS", "FORMAT", "ID", "PATH"], &rows);
    let output = LsOutput {
        files: FileObject::all(&files),
    };
    Ok(ctx.out.result(&output, &paths, &text)?)
}

/// Lists the files at a URL. Neither their ids nor their rows are known.
fn run_elsewhere(ctx: &Context, url: &RemoteUrl) -> Result<(), Failure> {
    let files = files_at(ctx.remote()?, url)?;
    let format = |path: &str| FileFormat::of_path(path).name();
    let rows: Vec<Vec<String>> = files
        .iter()
        .map(|f| {
            vec![
                human_bytes(f.size_bytes),
                format(&f.path).to_owned(),
                f.path.clone(),
            ]
        })
        .collect();
    let paths: Vec<String> = files.iter().map(|f| printable(&f.path)).collect();
    let text = ctx.out.table(&["SIZE", "FORMAT", "PATH"], &rows);
    let objects = files
        .iter()
        .map(|f| FileObject::elsewhere(&f.path, f.size_bytes));
    let output = LsOutput {
        files: objects.collect(),
    };
    Ok(ctx.out.result(&output, &paths, &text)?)
}
