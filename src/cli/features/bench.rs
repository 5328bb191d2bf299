//! `features bench`: times of lookups of random keys.

use std::time::Duration;
use std::time::Instant;

use clap::Args;
use clap::value_parser;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::features::open::ConfigArgs;
use crate::cli::features::open::now;

/// Measure lookups of random keys of a table, in this process
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar features bench -c features.yaml user_features
  alimentar features bench -c features.yaml user_features --keys 100 --seconds 5 --json")]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The table
    #[arg(value_name = "TABLE")]
    table: String,
    /// Keys of a lookup
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=100_000))]
    keys: u32,
    /// A column; may be given several times [default: all but those of the key]
    #[arg(long = "column", value_name = "C")]
    columns: Vec<String>,
    /// Time of the measurement, in seconds
    #[arg(long, value_name = "S", default_value_t = 2, value_parser = value_parser!(u64).range(1..=3600))]
    seconds: u64,
}

/// Sets of keys, which take turns: more than the caches of a processor hold.
const SETS: u64 = 64;

#[derive(Serialize)]
struct BenchOutput {
    table: String,
    rows: u64,
    keys: usize,
    columns: usize,
    lookups: usize,
    median_us: f64,
    p99_us: f64,
    keys_per_second: f64,
}

pub(crate) fn run(ctx: &Context, args: &BenchArgs) -> Result<(), Failure> {
    let opened = args.config.open(ctx)?;
    let tables = &opened.tables;
    let mut state = tables.state(&args.table)?;
    if state.has_source && state.origin.is_none() {
        state = tables
            .load(&args.table, false, now(), &ctx.progress_bar())?
            .state;
    }
    let schema = tables.schema(&args.table)?;
    let is_key = |name: &str| schema.key().any(|c| c.name == name);
    let mut columns: Vec<&str> = args.columns.iter().map(String::as_str).collect();
    if columns.is_empty() {
        let names = schema.columns().iter().map(|c| c.name.as_str());
        columns = names.filter(|name| !is_key(name)).collect();
    }
    let sets = (0..SETS).map(|seed| tables.some_keys(&args.table, args.keys as usize, seed));
    let sets = sets.collect::<Result<Vec<_>, _>>()?;
    let (end, mut times) = (
        Instant::now() + Duration::from_secs(args.seconds),
        Vec::new(),
    );
    for keys in sets.iter().cycle() {
        let began = Instant::now();
        tables.get(&args.table, keys, &columns, now())?;
        times.push(began.elapsed());
        if Instant::now() >= end {
            break;
        }
    }
    times.sort_unstable();
    let at = |percent: usize| {
        let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        times
            .get(place)
            .map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    let total: Duration = times.iter().sum();
    #[allow(clippy::cast_precision_loss, reason = "a rate is given as a double")]
    let looked_up = (times.len() * args.keys as usize) as f64;
    let output = BenchOutput {
        rows: state.rows,
        keys: args.keys as usize,
        columns: columns.len(),
        lookups: times.len(),
        median_us: at(50),
        p99_us: at(99),
        keys_per_second: looked_up / total.as_secs_f64().max(1e-9),
        table: args.table.clone(),
    };
    let text = format!(
        "{} keys of {} rows × {} columns: median {:.1} µs, 99 % {:.1} µs ({} lookups)\n",
        output.keys, output.rows, output.columns, output.median_us, output.p99_us, output.lookups
    );
    Ok(ctx.out.result(&output, &[], &text)?)
}
