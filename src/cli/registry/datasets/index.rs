//! `registry index`: puts a file or a directory into the registry.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::cli::registry::publishing::key_pair::open_key_pair;
use crate::cli::registry::publishing::key_pair::open_signers_key_pair;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::registry::IndexOptions;
use crate::registry::IndexReport;
use crate::registry::LocalRegistry;
use crate::registry::Skipped;
use crate::registry::differing;

/// Put a file or a directory into the registry
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar index train.jsonl --license MIT
  alimentar index photos --name holidays --tag 2026 --exclude '*.tmp'
  alimentar index train.jsonl --name corpus --sign")]
pub(crate) struct IndexArgs {
    /// A file or a directory
    path: PathBuf,
    /// The dataset's name [default: the file's name without ending, where that is a name]
    #[arg(long)]
    name: Option<DatasetName>,
    /// Its version [default: the next after the newest of that name, or 0.1.0]
    #[arg(long = "version", value_name = "V")]
    dataset_version: Option<DatasetVersion>,
    /// Its description, in Markdown [default: as in the version before]
    #[arg(long)]
    description: Option<String>,
    /// Its licence, as an SPDX expression or LicenseRef-NAME [default: as in the card or the version before]
    #[arg(long)]
    license: Option<String>,
    /// A label; may be given several times [default: as in the version before]
    #[arg(long = "tag", value_name = "T")]
    tags: Vec<String>,
    /// A Markdown file that is its card [default: README.md of a directory, or the card of the version before]
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    /// Show it to nobody else
    #[arg(long)]
    private: bool,
    /// Leave out paths of a directory that match; may be given several times
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Also follow links that lead out of the directory
    #[arg(long)]
    follow_links: bool,
    /// Take the types of columns from all rows of text, not from its first MiB; reads large text twice
    #[arg(long)]
    full_schema: bool,
    /// Sign it: publish it under your key
    #[arg(long)]
    sign: bool,
    /// The key file to sign with [default: key.enc in the registry's directory]
    #[arg(long, value_name = "FILE", requires = "sign")]
    key: Option<PathBuf>,
}

#[derive(Serialize)]
struct IndexOutput<'a> {
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
    revised: bool,
    inherited: Option<InheritedObject<'a>>,
    schema_from: Option<String>,
    schema_kept: bool,
    seconds: f64,
    skipped: Vec<PathNote>,
    warnings: Vec<PathNote>,
    left_out: Vec<PathNote>,
}

/// The fields that a new version has from the one before.
#[derive(Serialize)]
struct InheritedObject<'a> {
    version: String,
    fields: &'a [&'static str],
}

#[derive(Serialize)]
struct PathNote {
    path: String,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

/// The most paths that people see one by one.
const PATHS_SHOWN: usize = 10;

pub(crate) fn run(ctx: &Context, args: &IndexArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let started = Instant::now();
    let options = index_options(ctx, args)?;
    let bar = ctx.progress_bar();
    let mut report = registry.index(&args.path, &options, &bar)?;
    drop(bar);
    let revised = publish_revision(ctx, args, &options, &mut report)?;
    let seconds = started.elapsed().as_secs_f64();
    let m = &report.manifest;
    let is_left_out = |s: &&Skipped| !s.why.is_asked_for();
    let left_out: Vec<&Skipped> = report.skipped.iter().filter(is_left_out).collect();
    let output = IndexOutput {
        content_id: m.content_id.to_string(),
        name: m.name.to_string(),
        version: m.dataset_version.to_string(),
        files: m.num_files,
        rows: m.num_rows,
        size_bytes: m.size_bytes,
        chunks: report.chunks,
        new_chunks: report.stats.new_chunks,
        new_bytes: report.stats.new_bytes,
        stored_bytes: report.stats.stored_bytes,
        unchanged: report.unchanged,
        revised: revised.is_some(),
        inherited: report.inherited.as_ref().map(|i| InheritedObject {
            version: i.version.to_string(),
            fields: &i.fields,
        }),
        schema_from: report.schema_from.map(|from| from.to_string()),
        schema_kept: report.schema_kept,
        seconds,
        skipped: report.skipped.iter().map(|s| note(s, false)).collect(),
        warnings: report
            .warnings
            .iter()
            .map(|w| PathNote {
                path: w.path.to_string_lossy().into_owned(),
                reason: w.reason,
                detail: None,
            })
            .collect(),
        left_out: left_out.iter().map(|s| note(s, true)).collect(),
    };
    let did = match (&revised, report.unchanged) {
        (Some(_), _) => "Revised",
        (None, true) => "Unchanged",
        (None, false) => "Indexed",
    };
    let text = format!(
        "{did} {}@{}  {} in {} file(s), {} new, {} stored, {seconds:.2} s\n  {}\n{}",
        m.name,
        m.dataset_version,
        human_bytes(m.size_bytes),
        m.num_files,
        human_bytes(report.stats.new_bytes),
        human_bytes(report.stats.stored_bytes),
        m.content_id,
        format_changes(&report, revised.as_deref()),
    );
    print_remarks(ctx, &report);
    ctx.out
        .result(&output, &[m.content_id.to_string()], &text)?;
    match left_out.first() {
        None => Ok(()),
        Some(first) => Err(Failure::Partial(format!(
            "{} path(s) were left out, such as `{}` ({}); --exclude names what is meant to be",
            left_out.len(),
            first.path.display(),
            first.why.reason()
        ))),
    }
}

fn note(skipped: &Skipped, has_detail: bool) -> PathNote {
    PathNote {
        path: skipped.path.to_string_lossy().into_owned(),
        reason: skipped.why.name(),
        detail: has_detail.then(|| skipped.why.reason()),
    }
}

fn index_options(ctx: &Context, args: &IndexArgs) -> Result<IndexOptions, Failure> {
    Ok(IndexOptions {
        name: args.name.clone(),
        version: args.dataset_version.clone(),
        description: args.description.clone(),
        license: args.license.clone(),
        tags: args.tags.clone(),
        card: args.card.clone(),
        private: args.private,
        exclude: args.exclude.clone(),
        follow_links: args.follow_links,
        full_schema: args.full_schema,
        sign_with: if args.sign {
            // A wrong passphrase is noticed before the work.
            Some(open_key_pair(ctx, args.key.as_deref())?)
        } else {
            None
        },
    })
}

/// Publishes new facts about content that was here already. Returns the fields that changed.
fn publish_revision(
    ctx: &Context,
    args: &IndexArgs,
    options: &IndexOptions,
    report: &mut IndexReport,
) -> Result<Option<String>, Failure> {
    let registry: &LocalRegistry = ctx.registry()?;
    let Some((dataset, edit)) = report.revision.take() else {
        return Ok(None);
    };
    let asked_for = match &options.sign_with {
        Some(_) => None,
        None => open_signers_key_pair(ctx, &dataset, args.key.as_deref())?,
    };
    let pair = options.sign_with.as_ref().or(asked_for.as_ref());
    // Before the revision: its new words must not be shown to others.
    let becomes_private = options.private && !dataset.flags.private;
    if becomes_private {
        registry.peers().unshare(&dataset)?;
    }
    let revised = registry.revise(&dataset, &edit, pair)?.manifest;
    let mut changed = differing(&dataset.manifest, &revised);
    changed.extend(becomes_private.then_some("private"));
    report.manifest = revised;
    Ok(Some(changed.join(", ")))
}

/// Formats the fields that were revised, or that the new version has from the one before.
fn format_changes(report: &IndexReport, revised: Option<&str>) -> String {
    match (revised, &report.inherited) {
        (Some(fields), _) => format!("  revised: {fields}\n"),
        (None, Some(i)) => {
            let fields = i.fields.join(", ").replace("license", "licence");
            format!("  as in {}: {fields}\n", i.version)
        }
        (None, None) => String::new(),
    }
}

/// Prints warnings and the paths that were left out.
fn print_remarks(ctx: &Context, report: &IndexReport) {
    let (m, out) = (&report.manifest, ctx.out);
    if report.schema_kept {
        out.diagnostic(&format!(
            "warning: {}@{} has this content, with types from less than all rows, which stay; --version makes a version with those of all rows",
            m.name, m.dataset_version,
        ));
    }
    if !report.skipped.is_empty() && out.is_text() {
        out.diagnostic(&format!("left out: {} path(s)", report.skipped.len()));
        for s in report.skipped.iter().take(PATHS_SHOWN) {
            out.diagnostic(&format!("  {} ({})", s.path.display(), s.why.reason()));
        }
    }
    if out.is_json() {
        return;
    }
    for w in report.warnings.iter().take(PATHS_SHOWN) {
        let path = w.path.display();
        out.diagnostic(&format!("warning: `{path}` looks like {}", w.reason));
    }
    let more = report.warnings.len().saturating_sub(PATHS_SHOWN);
    if more > 0 {
        out.diagnostic(&format!("warning: and {more} more; --json lists all"));
    }
}
