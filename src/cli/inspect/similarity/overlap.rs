//! `inspect overlap`: the rows of one target that are in another.

use clap::Args;
use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::inspect::columns::require_columns;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::similarity::near::MatchKind;
use crate::cli::inspect::similarity::near::NearArgs;
use crate::cli::inspect::similarity::near::near_options;
use crate::cli::inspect::similarity::near::round_similarity;
use crate::cli::output::out::Out;
use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::OverlapOptions;
use crate::inspect::dedup::OverlapReport;
use crate::inspect::dedup::overlap;
use crate::inspect::table::Selection;
use crate::registry::SpillDirectory;
use crate::registry::host;

/// Find the rows of B that are in A, such as those of an evaluation set in a training set
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect overlap train.jsonl test.jsonl
  alimentar inspect overlap my-dataset gsm8k-test --column question --ngram 8")]
pub(crate) struct OverlapArgs {
    /// A path, a reference to a dataset, REF:path/in/dataset, or - for standard input
    a: String,
    /// Another, whose rows are looked for in the first
    b: String,
    #[command(flatten)]
    near: NearArgs,
    /// Only rows that are equal, byte for byte
    #[arg(long)]
    exact: bool,
    /// Also count the rows of B that share this number of consecutive words with A; 0 does not
    #[arg(long, value_name = "N", default_value_t = 13)]
    ngram: usize,
    /// The maximum number of examples
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
}

#[derive(Serialize)]
struct OverlapOutput {
    rows_a: u64,
    rows_b: u64,
    exact: u64,
    near: u64,
    contained: Option<u64>,
    ngram: Option<usize>,
    examples: Vec<ExampleObject>,
    seconds: f64,
}

#[derive(Serialize)]
struct ExampleObject {
    a: u64,
    b: u64,
    kind: MatchKind,
    similarity: f64,
}

pub(crate) fn run(ctx: &InspectContext<'_>, args: &OverlapArgs) -> Result<(), Failure> {
    let began = host::instant();
    let (a, b) = (ctx.open_target(&args.a)?, ctx.open_target(&args.b)?);
    for target in [&a, &b] {
        require_columns(ctx.base, target, args.near.columns())?;
    }
    let spill = SpillDirectory::create(&ctx.base.home()?)?;
    let options = OverlapOptions {
        rows: DedupOptions {
            size_bytes: Some(a.size_bytes() + b.size_bytes()),
            ..near_options(&args.near, args.exact, spill.spill())?
        },
        ngram_words: (args.ngram > 0).then_some(args.ngram),
        examples: args.limit,
    };
    let bar = ctx.base.progress_bar();
    let open_a = |s: &Selection| Ok(a.all_batches(&s.columns));
    let open_b = |s: &Selection| Ok(b.all_batches(&s.columns));
    let report = overlap(&open_a, &open_b, &options, &bar).map_err(|e| a.blame(e))?;
    drop(bar);
    let seconds = began.elapsed().as_secs_f64();
    let examples = report.examples.iter().map(|e| ExampleObject {
        a: e.row_a,
        b: e.row_b,
        kind: MatchKind::of(e.likeness),
        similarity: round_similarity(e.similarity),
    });
    let output = OverlapOutput {
        rows_a: report.rows_a,
        rows_b: report.rows_b,
        exact: report.exact,
        near: report.near,
        contained: report.contaminated,
        ngram: options.ngram_words,
        examples: examples.collect(),
        seconds,
    };
    let found = report.exact + report.near;
    let out = ctx.base.out;
    let text = format_report(&report, args, seconds, out);
    Ok(out.result(&output, &[found.to_string()], &text)?)
}

fn format_report(report: &OverlapReport, args: &OverlapArgs, seconds: f64, out: Out) -> String {
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
            let kind = MatchKind::of(e.likeness).name().to_owned();
            vec![e.row_a.to_string(), e.row_b.to_string(), kind, similarity]
        })
        .collect();
    if !rows.is_empty() {
        text += &format!(
            "\n{}",
            out.table(&["ROW OF A", "ROW OF B", "KIND", "SIMILARITY"], &rows)
        );
    }
    text
}
