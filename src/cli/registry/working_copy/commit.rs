//! `registry commit`: makes the next version of a dataset from its edits.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::cli::registry::publishing::key_pair::open_key_pair;
use crate::cli::registry::reference::find_dataset;
use crate::ident::DatasetVersion;
use crate::registry::CommitOptions;

/// Make the next version of a dataset from its edits, without a copy
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar commit corpus
  alimentar commit corpus@1.2.0 --message 'Answers of chapter 3 corrected' --json

`inspect edit REF` makes the edits. Chunks that no edit is near stay; only what is around edits is stored. The
content id is the one that `index` of the edited files gives. Edited Parquet and Arrow files are written anew.
The edits are undone in the old version then; `inspect edits redo` makes them again there.")]
pub(crate) struct CommitArgs {
    /// A reference
    reference: String,
    /// The description of the new version [default: as in the version before]
    #[arg(short, long, value_name = "M")]
    message: Option<String>,
    /// Its version [default: the next after the newest of that name]
    #[arg(long = "version", value_name = "V")]
    dataset_version: Option<DatasetVersion>,
    /// Sign it: publish it under your key
    #[arg(long)]
    sign: bool,
    /// The key file to sign with [default: key.enc in the registry's directory]
    #[arg(long, value_name = "FILE", requires = "sign")]
    key: Option<PathBuf>,
}

#[derive(Serialize)]
struct CommitOutput<'a> {
    content_id: String,
    name: String,
    version: String,
    files: u64,
    rows: u64,
    size_bytes: u64,
    chunks: u64,
    new_chunks: u64,
    new_bytes: u64,
    stored_bytes: u64,
    unchanged: bool,
    edits: u64,
    rewritten: &'a [String],
    seconds: f64,
}

pub(crate) fn run(ctx: &Context, args: &CommitArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let started = Instant::now();
    let dataset = find_dataset(ctx, &args.reference)?;
    let mut options = CommitOptions::default();
    options.message.clone_from(&args.message);
    options.version.clone_from(&args.dataset_version);
    if args.sign {
        // A wrong passphrase is noticed before the work.
        options.sign_with = Some(open_key_pair(ctx, args.key.as_deref())?);
    }
    let bar = ctx.progress_bar();
    let report = registry.commit(&dataset, &options, &bar)?;
    drop(bar);
    let seconds = started.elapsed().as_secs_f64();
    let (m, stats) = (&report.index.manifest, &report.index.stats);
    if !report.rewritten.is_empty() && !ctx.out.is_json() {
        ctx.out.diagnostic(&format!(
            "written anew, because the format has no edits in place: {}",
            report.rewritten.join(", ")
        ));
    }
    let output = CommitOutput {
        content_id: m.content_id.to_string(),
        name: m.name.to_string(),
        version: m.dataset_version.to_string(),
        files: m.num_files,
        rows: m.num_rows,
        size_bytes: m.size_bytes,
        chunks: report.index.chunks,
        new_chunks: stats.new_chunks,
        new_bytes: stats.new_bytes,
        stored_bytes: stats.stored_bytes,
        unchanged: report.index.unchanged,
        edits: report.edits,
        rewritten: &report.rewritten,
        seconds,
    };
    let did = match report.index.unchanged {
        true => "Unchanged",
        false => "Committed",
    };
    let text = format!(
        "{did} {}@{}  {} edit(s), {} in {} file(s), {} new, {} stored, {seconds:.2} s\n  {}\n",
        m.name,
        m.dataset_version,
        report.edits,
        human_bytes(m.size_bytes),
        m.num_files,
        human_bytes(stats.new_bytes),
        human_bytes(stats.stored_bytes),
        m.content_id,
    );
    Ok(ctx
        .out
        .result(&output, &[m.content_id.to_string()], &text)?)
}
