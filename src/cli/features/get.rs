//! `features get`: columns of rows by their keys.

use arrow_array::Array as _;
use arrow_array::ArrayRef;
use clap::Args;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::features::open::ConfigArgs;
use crate::cli::features::open::now;
use crate::cli::features::state::time_text;
use crate::feature_server::json_value;
use crate::features::Keys;
use crate::features::Status;

/// Print columns of rows by their keys
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar features get -c features.yaml user_features --key u1 --key u2 --column click_rate
  alimentar features get -c features.yaml user_features -k u1 --json

A key of several columns is one text with commas: --key de,42. Without a loaded partition, the newest one is loaded
first.")]
pub(crate) struct GetArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The table
    #[arg(value_name = "TABLE")]
    table: String,
    /// A key; may be given several times
    #[arg(
        short,
        long = "key",
        value_name = "K",
        required = true,
        allow_hyphen_values = true
    )]
    keys: Vec<String>,
    /// A column; may be given several times [default: all but those of the key]
    #[arg(long = "column", value_name = "C")]
    columns: Vec<String>,
}

#[derive(Serialize)]
struct GetOutput {
    columns: Map<String, Value>,
    missing: Vec<String>,
    expired: Vec<String>,
    partition: Option<String>,
    content_id: Option<String>,
    loaded_at: String,
}

pub(crate) fn run(ctx: &Context, args: &GetArgs) -> Result<(), Failure> {
    let opened = args.config.open(ctx)?;
    let state = opened.tables.state(&args.table)?;
    if state.has_source && state.origin.is_none() {
        opened
            .tables
            .load(&args.table, false, now(), &ctx.progress_bar())?;
    }
    let schema = opened.tables.schema(&args.table)?;
    let texts: Vec<&str> = args.keys.iter().map(String::as_str).collect();
    let keys = Keys::of_texts(&schema, &texts)?;
    let mut columns: Vec<&str> = args.columns.iter().map(String::as_str).collect();
    if columns.is_empty() {
        let is_key = |name: &str| schema.key().any(|c| c.name == name);
        let names = schema.columns().iter().map(|c| c.name.as_str());
        columns = names.filter(|name| !is_key(name)).collect();
    }
    let served = opened.tables.get(&args.table, &keys, &columns, now())?;
    let answer = &served.answer;
    let with_status = |status| {
        let keys = args.keys.iter().enumerate();
        let keys = keys.filter(move |(row, _)| answer.status(*row, usize::MAX) == status);
        keys.map(|(_, key)| key.clone()).collect::<Vec<String>>()
    };
    let mut objects = Map::new();
    let mut lines = vec![vec![String::new(); columns.len() + 1]; args.keys.len()];
    for (line, key) in lines.iter_mut().zip(&args.keys) {
        line[0].clone_from(key);
    }
    for (place, (name, values)) in columns.iter().zip(answer.columns()).enumerate() {
        objects.insert(
            (*name).to_owned(),
            (0..values.len())
                .map(|row| json_value(values, row))
                .collect(),
        );
        for (row, line) in lines.iter_mut().enumerate() {
            line[place + 1] = cell(values, row, answer.status(row, place));
        }
    }
    let mut head = vec!["KEY"];
    head.extend(&columns);
    let text = ctx.out.table(&head, &lines);
    let output = GetOutput {
        columns: objects,
        missing: with_status(Status::Missing),
        expired: with_status(Status::Expired),
        partition: served.origin.partition.clone(),
        content_id: served.origin.content_id.clone(),
        loaded_at: time_text(served.origin.loaded_at),
    };
    Ok(ctx.out.result(&output, &[], &text)?)
}

/// Returns the text of a value.
fn cell(values: &ArrayRef, row: usize, status: Status) -> String {
    match status {
        Status::Missing => "(missing)".to_owned(),
        Status::Expired => "(expired)".to_owned(),
        Status::Null => "null".to_owned(),
        Status::Present => match json_value(values, row) {
            Value::String(text) => text,
            other => other.to_string(),
        },
    }
}
