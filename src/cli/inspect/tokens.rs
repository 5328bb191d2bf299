//! `inspect tokens`.

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::TokensArgs;
use crate::cli::args_reading::token_encoding;
use crate::cli::exit::Failure;
use crate::cli::inspect::require_columns;
use crate::cli::inspect::scan;
use crate::cli::inspect::targets;
use crate::cli::inspect::threads;
use crate::cli::out::Out;
use crate::inspect::stats::LengthStats;
use crate::inspect::table::Selection;
use crate::inspect::tokens::Encoding;
use crate::inspect::tokens::TokenOptions;
use crate::inspect::tokens::count_tokens;
use crate::registry::host;

pub(crate) fn run(args: &TokensArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let began = host::instant();
    let target = targets(&args.target, cli, out)?;
    require_columns(&target, &args.column, out)?;
    let encoding = token_encoding(cli).unwrap_or(Encoding::O200kBase);
    let options = TokenOptions {
        threads: threads(),
        encoding,
        columns: args.column.clone(),
    };
    let selection = Selection {
        from: 0,
        columns: args.column.clone(),
        ..Selection::default()
    };
    let report = scan(&target, &selection, ("counting tokens", out), |s| {
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
    let answer = json!({
        "tokens": report.tokens, "rows": report.rows, "mean": mean, "p50": p50, "p95": p95,
        "max": max, "encoding": encoding.name(), "bytes": report.bytes,
        "malformed": report.malformed, "seconds": seconds,
    });
    let per_token = report.bytes as f64 / report.tokens.max(1) as f64;
    let text = format!(
        "{} tokens ({}) in {} rows, {per_token:.2} bytes a token, {seconds:.2} s\n  a row: mean {mean:.1}, median {p50:.0}, 95 % up to {p95:.0}, most {max}\n",
        report.tokens,
        encoding.name(),
        report.rows,
    );
    Ok(out.result(&answer, &[report.tokens.to_string()], &text)?)
}
