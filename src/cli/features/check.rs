//! `features check`: the configuration, the sources, and the columns of the newest partitions.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::features::open::ConfigArgs;
use crate::features::serving::CheckReport;

/// Look at the configuration and the sources, and load nothing
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar features check -c features.yaml
  alimentar features check -c features.yaml user_features --json

The columns of the newest partition are compared with those of the configuration.")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The tables [default: all that have a source]
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
}

#[derive(Serialize)]
struct CheckOutput {
    ok: bool,
    tables: Vec<CheckedObject>,
}

#[derive(Default, Serialize)]
struct CheckedObject {
    name: String,
    ok: bool,
    place: Option<String>,
    partition: Option<String>,
    content_id: Option<String>,
    rows: Option<u64>,
    bytes: Option<u64>,
    files: Option<usize>,
    columns: Vec<ColumnObject>,
    left_out: Vec<String>,
    others: Vec<OtherObject>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct ColumnObject {
    name: String,
    dtype: String,
    key: bool,
}

#[derive(Serialize)]
struct OtherObject {
    partition: String,
    reason: String,
}

impl CheckedObject {
    fn of(name: String, report: CheckReport) -> Self {
        let key: Vec<String> = report.schema.key().map(|c| c.name.clone()).collect();
        let columns = report.schema.columns().iter().map(|column| ColumnObject {
            name: column.name.clone(),
            dtype: column.data_type.to_string(),
            key: key.contains(&column.name),
        });
        let others = report.others.into_iter();
        Self {
            name,
            ok: true,
            place: Some(report.place),
            partition: Some(report.partition),
            content_id: report.content_id,
            rows: Some(report.rows),
            bytes: Some(report.bytes),
            files: Some(report.files),
            columns: columns.collect(),
            left_out: report.left_out,
            others: others
                .map(|(partition, reason)| OtherObject { partition, reason })
                .collect(),
            reason: None,
        }
    }
}

pub(crate) fn run(ctx: &Context, args: &CheckArgs) -> Result<(), Failure> {
    let opened = args.config.open(ctx)?;
    let mut tables = Vec::new();
    for name in opened.named(&args.tables)? {
        tables.push(match opened.tables.check(&name) {
            Ok(report) => CheckedObject::of(name, report),
            Err(error) => CheckedObject {
                name,
                reason: Some(Failure::from(error).message()),
                ..CheckedObject::default()
            },
        });
    }
    let lines: Vec<Vec<String>> = tables.iter().map(line).collect();
    let text = ctx
        .out
        .table(&["TABLE", "PARTITION", "ROWS", "STATE"], &lines);
    let failed: Vec<String> = tables
        .iter()
        .filter(|t| !t.ok)
        .map(|t| t.name.clone())
        .collect();
    let names: Vec<String> = tables.iter().map(|t| t.name.clone()).collect();
    let output = CheckOutput {
        ok: failed.is_empty(),
        tables,
    };
    ctx.out.result(&output, &names, &text)?;
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::Findings(format!(
            "not fit to be loaded: {}",
            failed.join(", ")
        ))),
    }
}

fn line(table: &CheckedObject) -> Vec<String> {
    let state = match &table.reason {
        Some(reason) => reason.clone(),
        None => format!("{} columns", table.columns.len()),
    };
    vec![
        table.name.clone(),
        table.partition.clone().unwrap_or_else(|| "-".to_owned()),
        table
            .rows
            .map_or_else(|| "-".to_owned(), |rows| rows.to_string()),
        state,
    ]
}
