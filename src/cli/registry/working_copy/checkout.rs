//! `registry checkout`: writes a dataset, or a part of it, to disk.

use std::path::Path;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::destination::check_destination;
use crate::cli::output::out::Out;
use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::cli::prompt::confirm::ask_yes_no;
use crate::cli::prompt::confirm::can_ask;
use crate::cli::prompt::dataset::check_size;
use crate::cli::prompt::dataset::check_withdrawal;
use crate::cli::registry::reference::find_target;
use crate::registry::CheckoutError;
use crate::registry::Error;
use crate::registry::UpdateReport;

/// Write a dataset, or a part of it, to disk
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry checkout corpus@1.0.0 ./corpus
  alimentar registry checkout 'corpus:**/*.parquet' ./tables
  alimentar registry checkout corpus ./corpus --update")]
pub(crate) struct CheckoutArgs {
    /// REF, or behind a colon a file, a directory (its content is written) or a glob (paths are kept):
    /// REF:a/file, REF:sub/, REF:**/*.parquet
    target: String,
    /// A new file or directory; in an existing directory, a single file goes inside; - is standard
    /// output
    dest: PathBuf,
    /// Update an existing directory or file: write only files that differ; local changes are overwritten
    /// only with --yes
    #[arg(long)]
    update: bool,
}

#[derive(Serialize)]
struct CheckoutOutput {
    content_id: String,
    files: u64,
    bytes: u64,
    seconds: f64,
}

#[derive(Serialize)]
struct UpdateOutput<'a> {
    #[serde(flatten)]
    written: CheckoutOutput,
    unchanged: u64,
    removed: u64,
    /// Files that were removed from the dataset, but changed here.
    kept: &'a [String],
}

pub(crate) fn run(ctx: &Context, args: &CheckoutArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let started = Instant::now();
    if args.update {
        return run_update(ctx, args);
    }
    let if_exists = check_destination(ctx, &args.dest)?;
    let (dataset, path) = find_target(ctx, &args.target)?;
    check_size(ctx, &dataset)?;
    check_withdrawal(ctx, &dataset)?;
    let bar = ctx.progress_bar();
    let dest = (args.dest.as_path(), if_exists);
    let report = registry
        .working_copies()
        .checkout_over(&dataset, path.as_deref(), dest, &bar)?;
    drop(bar);
    let id = dataset.manifest.content_id.to_string();
    let seconds = started.elapsed().as_secs_f64();
    let output = CheckoutOutput {
        content_id: id.clone(),
        files: report.files,
        bytes: report.bytes,
        seconds,
    };
    let text = format!(
        "Checked out {}@{}: {} in {} file(s), every chunk verified, {seconds:.2} s\n",
        dataset.manifest.name,
        dataset.manifest.dataset_version,
        human_bytes(report.bytes),
        report.files,
    );
    let out = ctx.out.beside(Some(&args.dest));
    Ok(out.result(&output, &[id], &text)?)
}

fn run_update(ctx: &Context, args: &CheckoutArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let started = Instant::now();
    let (dataset, path) = find_target(ctx, &args.target)?;
    check_size(ctx, &dataset)?;
    check_withdrawal(ctx, &dataset)?;
    let bar = ctx.progress_bar();
    let update = |overwrite| {
        let dest = (args.dest.as_path(), overwrite);
        registry
            .working_copies()
            .checkout_update(&dataset, path.as_deref(), dest, &bar)
    };
    let report = match update(ctx.global.yes) {
        Err(Error::Checkout(CheckoutError::LocalChanges { root, paths }))
            if can_ask(ctx.out) && bar.suspend(|| ask_to_overwrite(ctx.out, &root, &paths)) =>
        {
            update(true)
        }
        report => report,
    };
    drop(bar);
    let report: UpdateReport = report?;
    let m = &dataset.manifest;
    let (id, seconds) = (m.content_id.to_string(), started.elapsed().as_secs_f64());
    let output = UpdateOutput {
        written: CheckoutOutput {
            content_id: id.clone(),
            files: report.files,
            bytes: report.bytes,
            seconds,
        },
        unchanged: report.unchanged,
        removed: report.removed,
        kept: &report.kept,
    };
    let mut text = format!(
        "Updated to {}@{}: {} written in {} file(s), {} unchanged, {} removed, {seconds:.2} s\n",
        m.name,
        m.dataset_version,
        human_bytes(report.bytes),
        report.files,
        report.unchanged,
        report.removed,
    );
    for path in &report.kept {
        text += &printable(&format!("Kept, because it was changed here: {path}\n"));
    }
    Ok(ctx.out.result(&output, &[id], &text)?)
}

fn ask_to_overwrite(out: Out, root: &Path, paths: &[String]) -> bool {
    for path in paths.iter().take(10) {
        out.diagnostic(&format!("  {path}"));
    }
    let question = format!(
        "{} file(s) in `{}` were changed. Overwrite them?",
        paths.len(),
        root.display()
    );
    ask_yes_no(out, &question)
}
