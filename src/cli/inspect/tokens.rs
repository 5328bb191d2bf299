//! `inspect tokens`: the number of tokens.

use clap::Args;
use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::inspect::columns::require_columns;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::context::TargetArgs;
use crate::cli::inspect::scan::scan_rows;
use crate::cli::inspect::scan::thread_count;
use crate::inspect::stats::LengthStats;
use crate::inspect::table::Selection;
use crate::inspect::tokens::Encoding;
use crate::inspect::tokens::TokenOptions;
use crate::inspect::tokens::count_tokens;
use crate::registry::host;

/// Count tokens
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect tokens train.jsonl
  alimentar inspect tokens my-dataset --column text --encoding cl100k_base")]
pub(crate) struct TokensArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// Count the text of this column alone; may be given several times
    #[arg(long, value_name = "C")]
    column: Vec<String>,
}

#[derive(Serialize)]
struct TokensOutput {
    tokens: u64,
    rows: u64,
    mean: f64,
    p50: f64,
    p95: f64,
    max: u64,
    encoding: &'static str,
    bytes: u64,
    malformed: u64,
    seconds: f64,
}

pub(super) fn run(ctx: &InspectContext<'_>, args: &TokensArgs) -> Result<(), Failure> {
    let began = host::instant();
    let target = ctx.open_targets(&args.targets.target)?;
    require_columns(ctx.base, &target, &args.column)?;
    let encoding = ctx.token_encoding().unwrap_or(Encoding::O200kBase);
    let options = TokenOptions {
        threads: thread_count(),
        encoding,
        columns: args.column.clone(),
    };
    let selection = Selection {
        from: 0,
        columns: args.column.clone(),
        ..Selection::default()
    };
    let report = scan_rows(ctx.base, &target, &selection, "counting tokens", |s| {
        Ok(count_tokens(s.batches, &options, s.progress)?)
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let lengths = report.per_row.as_ref();
    let share = |wanted: f64| {
        let quantiles = lengths.map(|l| l.quantiles.as_slice()).unwrap_or_default();
        let found = quantiles.iter().find(|q| (q.share - wanted).abs() < 1e-9);
        found.map_or(0.0, |q| q.value)
    };
    let (mean, max) = lengths.map_or((0.0, 0), |l: &LengthStats| (l.mean, l.max));
    let (p50, p95) = (share(0.5), share(0.95));
    let output = TokensOutput {
        tokens: report.tokens,
        rows: report.rows,
        mean,
        p50,
        p95,
        max,
        encoding: encoding.name(),
        bytes: report.bytes,
        malformed: report.malformed,
        seconds,
    };
    let per_token = report.bytes as f64 / report.tokens.max(1) as f64;
    let text = format!(
        "{} tokens ({}) in {} rows, {per_token:.2} bytes a token, {seconds:.2} s\n  a row: mean {mean:.1}, median {p50:.0}, 95 % up to {p95:.0}, most {max}\n",
        report.tokens,
        encoding.name(),
        report.rows,
    );
    let ids = [report.tokens.to_string()];
    Ok(ctx.base.out.result(&output, &ids, &text)?)
}
