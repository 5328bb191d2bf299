//! Output of `registry index` and `registry refresh`.

use std::path::Path;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::cli::registry::publishing::key_pair::open_signers_key_pair;
use crate::manifest::Provenance;
use crate::registry::IndexOptions;
use crate::registry::IndexReport;
use crate::registry::LocalRegistry;
use crate::registry::Skipped;
use crate::registry::differing;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceOutput<'a>>,
}

/// The place that the files came from.
#[derive(Serialize)]
struct SourceOutput<'a> {
    url: &'a str,
    revision: Option<&'a str>,
    validator: Option<&'a str>,
    fetched_files: u64,
    fetched_bytes: u64,
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

/// The result of an index.
pub(super) struct Indexed<'a> {
    pub(super) report: &'a IndexReport,
    /// The place, and the numbers of fetched files and bytes.
    pub(super) source: Option<(Provenance, u64, u64)>,
    /// The fields that were revised.
    pub(super) revised: Option<String>,
    pub(super) seconds: f64,
}

/// Prints the result.
///
/// # Errors
/// [`Failure::Partial`] where paths were left out that nobody asked to leave out.
pub(super) fn show(ctx: &Context, indexed: &Indexed<'_>) -> Result<(), Failure> {
    let Indexed {
        report,
        source,
        revised,
        seconds,
    } = indexed;
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
        seconds: *seconds,
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
        source: source.as_ref().map(|(place, files, bytes)| SourceOutput {
            url: &place.url,
            revision: place.revision.as_deref(),
            validator: place.validator.as_deref(),
            fetched_files: *files,
            fetched_bytes: *bytes,
        }),
    };
    let did = match (revised, report.unchanged) {
        (Some(_), _) => "Revised",
        (None, true) => "Unchanged",
        (None, false) => "Indexed",
    };
    let text = format!(
        "{did} {}@{}  {} in {} file(s), {} new, {} stored, {seconds:.2} s\n  {}\n{}{}",
        m.name,
        m.dataset_version,
        human_bytes(m.size_bytes),
        m.num_files,
        human_bytes(report.stats.new_bytes),
        human_bytes(report.stats.stored_bytes),
        m.content_id,
        format_source(source.as_ref()),
        format_changes(report, revised.as_deref()),
    );
    print_remarks(ctx, report);
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

/// Publishes new facts about content that was here already. Returns the fields that changed.
///
/// # Errors
/// As signing and revising.
pub(super) fn publish_revision(
    ctx: &Context,
    key: Option<&Path>,
    options: &IndexOptions,
    report: &mut IndexReport,
) -> Result<Option<String>, Failure> {
    let registry: &LocalRegistry = ctx.registry()?;
    let Some((dataset, edit)) = report.revision.take() else {
        return Ok(None);
    };
    let asked_for = match &options.sign_with {
        Some(_) => None,
        None => open_signers_key_pair(ctx, &dataset, key)?,
    };
    let pair = options.sign_with.as_ref().or(asked_for.as_ref());
    // Before the revision: its new words must not be shown to others.
    let becomes_private = options.private && !dataset.flags.private;
    if becomes_private {
        registry.peers().unshare(&dataset)?;
    }
    let revised = registry
        .descriptions()
        .revise(&dataset, &edit, pair)?
        .manifest;
    let mut changed = differing(&dataset.manifest, &revised);
    changed.extend(becomes_private.then_some("private"));
    report.manifest = revised;
    Ok(Some(changed.join(", ")))
}

/// Formats the place that the files came from.
fn format_source(source: Option<&(Provenance, u64, u64)>) -> String {
    source.map_or_else(String::new, |(place, files, bytes)| {
        let revision = place.revision.as_ref();
        let revision = revision.map_or_else(String::new, |r| format!(" @ {r}"));
        let bytes = human_bytes(*bytes);
        printable(&format!(
            "  from {}{revision}: {files} file(s), {bytes} fetched\n",
            place.url
        ))
    })
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
