//! `features load`: loads the newest partitions of tables.

use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::features::open::ConfigArgs;
use crate::cli::features::open::now;
use crate::cli::features::state::TableObject;
use crate::cli::features::state::text_of;

/// Load the newest good partition of each table
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar features load -c features.yaml
  alimentar features load -c features.yaml user_features --force")]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The tables [default: all that have a source]
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
    /// Load again what is loaded
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct LoadOutput {
    tables: Vec<LoadedObject>,
    failed: Vec<FailedObject>,
}

#[derive(Serialize)]
struct LoadedObject {
    #[serde(flatten)]
    table: TableObject,
    unchanged: bool,
    duplicates: u64,
    null_keys: u64,
    left_out: Vec<String>,
    refused: Vec<RefusedObject>,
    seconds: f64,
}

#[derive(Serialize)]
struct RefusedObject {
    partition: String,
    reason: String,
}

#[derive(Serialize)]
struct FailedObject {
    name: String,
    reason: String,
}

pub(crate) fn run(ctx: &Context, args: &LoadArgs) -> Result<(), Failure> {
    let opened = args.config.open(ctx)?;
    let names = opened.named(&args.tables)?;
    let (mut tables, mut failed) = (Vec::new(), Vec::new());
    let progress = ctx.progress_bar();
    let mut first = None;
    for name in names {
        let began = Instant::now();
        match opened.tables.load(&name, args.force, now(), &progress) {
            Ok(report) => {
                let refused = report.refused.into_iter();
                let refused =
                    refused.map(|(partition, reason)| RefusedObject { partition, reason });
                tables.push(LoadedObject {
                    table: report.state.into(),
                    unchanged: report.is_unchanged,
                    duplicates: report.duplicates,
                    null_keys: report.null_keys,
                    left_out: report.left_out,
                    refused: refused.collect(),
                    seconds: began.elapsed().as_secs_f64(),
                });
            }
            Err(error) => {
                let failure = Failure::from(error);
                let reason = failure.message();
                failed.push(FailedObject { name, reason });
                first.get_or_insert(failure);
            }
        }
    }
    // Nothing was loaded at all: the reason is the result.
    if tables.is_empty()
        && let Some(failure) = first
    {
        return Err(failure);
    }
    let text = text_of(ctx.out, tables.iter().map(|t| &t.table));
    let ids: Vec<String> = tables.iter().map(|t| t.table.name.clone()).collect();
    for remark in tables.iter().flat_map(remarks) {
        ctx.out.remark("warning", &remark);
    }
    let output = LoadOutput { tables, failed };
    ctx.out.result(&output, &ids, &text)?;
    match output.failed.as_slice() {
        [] => Ok(()),
        failed => {
            let lines = failed.iter().map(|f| format!("{}: {}", f.name, f.reason));
            let lines: Vec<String> = lines.collect();
            Err(Failure::Partial(format!(
                "some tables were not loaded: {}",
                lines.join("; ")
            )))
        }
    }
}

/// Returns sentences about rows and partitions that were left out.
fn remarks(loaded: &LoadedObject) -> Vec<String> {
    let name = &loaded.table.name;
    let refused = loaded.refused.iter();
    let mut remarks: Vec<String> = refused
        .map(|r| {
            format!(
                "`{name}`: the partition {} is not loaded: {}",
                r.partition, r.reason
            )
        })
        .collect();
    if loaded.duplicates > 0 {
        let count = loaded.duplicates;
        remarks.push(format!(
            "`{name}`: {count} rows have keys of others; the last one stays"
        ));
    }
    if loaded.null_keys > 0 {
        let count = loaded.null_keys;
        remarks.push(format!(
            "`{name}`: {count} rows have no key and are left out"
        ));
    }
    if !loaded.left_out.is_empty() {
        let names = loaded.left_out.join(", ");
        remarks.push(format!(
            "`{name}`: columns of types that no table has are left out: {names}"
        ));
    }
    remarks
}
