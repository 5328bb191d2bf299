//! `inspect overlap`.

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::OverlapArgs;
use crate::cli::bar::Bar;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::inspect::dedup::near_options;
use crate::cli::inspect::require_columns;
use crate::cli::inspect::target;
use crate::cli::out::Out;
use crate::cli::out::table;
use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::Likeness;
use crate::inspect::dedup::OverlapOptions;
use crate::inspect::dedup::OverlapReport;
use crate::inspect::dedup::overlap;
use crate::inspect::table::Selection;
use crate::registry::SpillDirectory;
use crate::registry::host;

pub(crate) fn run(args: &OverlapArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let began = host::instant();
    let (a, b) = (target(&args.a, cli, out)?, target(&args.b, cli, out)?);
    for target in [&a, &b] {
        require_columns(target, &args.near.column, out)?;
    }
    let spill = SpillDirectory::create(&home_of(cli)?)?;
    let options = OverlapOptions {
        rows: DedupOptions {
            size_bytes: Some(a.size_bytes() + b.size_bytes()),
            ..near_options(&args.near, args.exact, spill.spill())?
        },
        gram_words: (args.ngram > 0).then_some(args.ngram),
        examples: args.limit,
    };
    let bar = Bar::new(out.is_quiet());
    let open_a = |s: &Selection| Ok(a.all_batches(&s.columns));
    let open_b = |s: &Selection| Ok(b.all_batches(&s.columns));
    let report = overlap(&open_a, &open_b, &options, &bar).map_err(|e| a.blame(e))?;
    drop(bar);
    let seconds = began.elapsed().as_secs_f64();
    let examples = report.examples.iter().map(|e| {
        json!({"a": e.row_a, "b": e.row_b, "kind": kind(e.likeness), "similarity": rounded(e.similarity)})
    });
    let answer = json!({
        "rows_a": report.rows_a, "rows_b": report.rows_b, "exact": report.exact, "near": report.near,
        "contained": report.contaminated, "ngram": options.gram_words,
        "examples": examples.collect::<Vec<_>>(), "seconds": seconds,
    });
    let found = report.exact + report.near;
    Ok(out.result(&answer, &[found.to_string()], &text(&report, args, seconds))?)
}

fn kind(likeness: Likeness) -> &'static str {
    match likeness {
        Likeness::Exact => "exact",
        Likeness::Near => "near",
    }
}

fn rounded(similarity: f32) -> f64 {
    (f64::from(similarity) * 1e4).round() / 1e4
}

fn text(report: &OverlapReport, args: &OverlapArgs, seconds: f64) -> String {
    let share = |n: u64| 100.0 * n as f64 / report.rows_b.max(1) as f64;
    let mut text = format!(
        "of {} rows of B, in {} rows of A ({seconds:.2} s)\n  the same        {}  ({:.1} %)\n  like one        {}  ({:.1} %)\n",
        report.rows_b,
        report.rows_a,
        report.exact,
        share(report.exact),
        report.near,
        share(report.near),
    );
    if let Some(n) = report.contaminated {
        text += &format!("  {} words shared {n}  ({:.1} %)\n", args.ngram, share(n));
    }
    let rows: Vec<Vec<String>> = report
        .examples
        .iter()
        .map(|e| {
            let similarity = format!("{:.3}", e.similarity);
            let kind = kind(e.likeness).to_owned();
            vec![e.row_a.to_string(), e.row_b.to_string(), kind, similarity]
        })
        .collect();
    if !rows.is_empty() {
        text += &format!(
            "\n{}",
            table(&["ROW OF A", "ROW OF B", "KIND", "SIMILARITY"], &rows)
        );
    }
    text
}
