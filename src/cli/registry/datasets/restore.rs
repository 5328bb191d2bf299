//! `registry restore`: brings removed versions back.

use clap::Args;
use serde::Serialize;

use crate::catalog::RemovalFate;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::cli::registry::datasets::versions::VersionObject;
use crate::cli::registry::datasets::versions::format_versions;
use crate::cli::registry::datasets::versions::ids_of;
use crate::cli::registry::datasets::versions::is_name_alone;
use crate::clock::Timestamp;
use crate::registry::KEEP_DAYS;

/// Bring back datasets that were removed from the index and not collected yet
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry restore old-corpus@1.0.0
  alimentar registry restore --list")]
pub(crate) struct RestoreArgs {
    /// A name (all its removed versions), name@1.2.0, or a content id
    #[arg(required_unless_present = "list")]
    reference: Option<String>,
    /// List the datasets that can be restored
    #[arg(long, conflicts_with = "reference")]
    list: bool,
}

#[derive(Serialize)]
struct RestoreOutput<'a> {
    content_id: String,
    name: String,
    version: String,
    restored: bool,
    versions: Vec<VersionObject>,
    /// Versions whose bytes are gone.
    collected: &'a [String],
}

#[derive(Serialize)]
struct ListOutput {
    removed: Vec<RemovedDataset>,
}

#[derive(Serialize)]
struct RemovedDataset {
    content_id: String,
    name: String,
    version: String,
    size_bytes: u64,
    created_at: String,
    removed_at: String,
    keep_until: String,
}

const DAY_SECONDS: i64 = 24 * 60 * 60;

pub(crate) fn run(ctx: &Context, args: &RestoreArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let Some(text) = &args.reference else {
        return list_removed(ctx);
    };
    let report = registry
        .removal()
        .restore(&text.parse()?, is_name_alone(text))?;
    let here = report.restored.last().or(report.already_here.as_ref());
    let Some(newest) = here.map(|d| &d.manifest) else {
        return Ok(());
    };
    let id = newest.content_id.to_string();
    let output = RestoreOutput {
        content_id: id.clone(),
        name: newest.name.to_string(),
        version: newest.dataset_version.to_string(),
        restored: !report.restored.is_empty(),
        versions: VersionObject::all(&report.restored),
        collected: &report.collected,
    };
    let mut text = match report.restored.as_slice() {
        [] => format!(
            "{}@{} is here already\n",
            newest.name, newest.dataset_version
        ),
        restored => format!("Restored {}\n", format_versions(restored)),
    };
    for gone in &report.collected {
        text += &format!("Not restored, as its bytes are gone: {gone}\n");
    }
    let ids = match report.restored.as_slice() {
        [] => vec![id],
        restored => ids_of(restored),
    };
    Ok(ctx.out.result(&output, &ids, &printable(&text))?)
}

fn list_removed(ctx: &Context) -> Result<(), Failure> {
    let removed = ctx.registry()?.removal().restorable()?;
    let days_after = |fate: RemovalFate, days: u32| match fate {
        RemovalFate::Restorable(since) => {
            let until = since.0.saturating_add(i64::from(days) * DAY_SECONDS);
            Timestamp(until).to_rfc3339()
        }
        _ => String::new(),
    };
    let objects = removed.iter().map(|r| RemovedDataset {
        content_id: r.summary.content_id.to_string(),
        name: r.summary.name.to_string(),
        version: r.summary.version.to_string(),
        size_bytes: r.summary.size_bytes,
        created_at: r.summary.created_at.to_rfc3339(),
        removed_at: days_after(r.fate, 0),
        keep_until: days_after(r.fate, KEEP_DAYS),
    });
    let output = ListOutput {
        removed: objects.collect(),
    };
    let row = |(o, short_id): (&RemovedDataset, String)| {
        vec![
            o.name.clone(),
            o.version.clone(),
            human_bytes(o.size_bytes),
            o.removed_at.clone(),
            o.keep_until.clone(),
            short_id,
        ]
    };
    let short_ids = removed.iter().map(|r| r.summary.content_id.short());
    let rows: Vec<Vec<String>> = output.removed.iter().zip(short_ids).map(row).collect();
    let ids: Vec<String> = output
        .removed
        .iter()
        .map(|o| o.content_id.clone())
        .collect();
    let head = ["NAME", "VERSION", "SIZE", "REMOVED", "KEPT UNTIL", "ID"];
    let text = ctx.out.table(&head, &rows);
    Ok(ctx.out.result(&output, &ids, &text)?)
}
