//! `registry log`: the versions of a name.

use crate::registry::Listed;
use clap::Args;
use serde::Serialize;

use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::ident::DatasetName;

/// List the versions of a name
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar log corpus")]
pub(crate) struct LogArgs {
    /// The name
    name: DatasetName,
}

#[derive(Serialize)]
struct LogOutput {
    versions: Vec<LogVersion>,
}

#[derive(Serialize)]
struct LogVersion {
    version: String,
    content_id: String,
    created_at: String,
    rows: u64,
    size_bytes: u64,
    added_bytes: u64,
    added_chunks: u64,
    seq: u64,
    trust: &'static str,
}

pub(crate) fn run(ctx: &Context, args: &LogArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let log = registry.descriptions().log(&args.name)?;
    let believed = registry.trust().store()?;
    let trust = |d: &Dataset| Listed::of(&believed, d.clone()).trust().name();
    let versions = log.iter().map(|e| {
        let m = &e.dataset.manifest;
        LogVersion {
            version: m.dataset_version.to_string(),
            content_id: m.content_id.to_string(),
            created_at: m.created_at.to_rfc3339(),
            rows: m.num_rows,
            size_bytes: m.size_bytes,
            added_bytes: e.added.bytes,
            added_chunks: e.added.chunks,
            seq: m.seq,
            trust: trust(&e.dataset),
        }
    });
    let output = LogOutput {
        versions: versions.collect(),
    };
    let row = |(v, short_id): (&LogVersion, String)| {
        vec![
            v.version.clone(),
            v.created_at.clone(),
            v.rows.to_string(),
            human_bytes(v.size_bytes),
            human_bytes(v.added_bytes),
            v.trust.to_owned(),
            short_id,
        ]
    };
    let short_ids = log.iter().map(|e| e.dataset.manifest.content_id.short());
    let rows: Vec<Vec<String>> = output.versions.iter().zip(short_ids).map(row).collect();
    let versions: Vec<String> = output.versions.iter().map(|v| v.version.clone()).collect();
    let head = ["VERSION", "CREATED", "ROWS", "SIZE", "ADDED", "TRUST", "ID"];
    let text = ctx.out.table(&head, &rows);
    Ok(ctx.out.result(&output, &versions, &text)?)
}
