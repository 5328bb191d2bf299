//! `inspect stats`: figures of every column.

use clap::Args;

use crate::cli::exit::Failure;
use crate::cli::inspect::columns::LeftOutColumn;
use crate::cli::inspect::columns::require_columns;
use crate::cli::inspect::columns::warn_about_columns;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::context::TargetArgs;
use crate::cli::inspect::scan::scan_rows;
use crate::cli::inspect::scan::thread_count;
use crate::cli::inspect::scan::warn_about_truncation;
use crate::cli::inspect::stats_output::StatsOutput;
use crate::cli::output::out::Out;
use crate::cli::output::text::printable;
use crate::inspect::stats::ColumnStats;
use crate::inspect::stats::ColumnType;
use crate::inspect::stats::DistinctCount;
use crate::inspect::stats::Quantile;
use crate::inspect::stats::StatsOptions;
use crate::inspect::stats::StatsReport;
use crate::inspect::stats::chart;
use crate::inspect::stats::stats;
use crate::inspect::table::Decoded;
use crate::inspect::table::Selection;

/// Show figures of every column: types, distinct values, quantiles, lengths, frequent values
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect stats train.jsonl
  alimentar inspect stats my-dataset --column answer --json")]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// Only this column; may be given several times
    #[arg(long, value_name = "C")]
    column: Vec<String>,
    /// The maximum number of frequent values of each column
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
}

/// The width of a small chart on a terminal.
const CHART_WIDTH: usize = 24;
/// The length to which a terminal cuts the first and the last text of a column.
const END_SHOWN: usize = 32;
/// The most frequent values of a column that a terminal shows.
const TOP_SHOWN: usize = 3;

pub(super) fn run(ctx: &InspectContext<'_>, args: &StatsArgs) -> Result<(), Failure> {
    let out = ctx.base.out;
    let target = ctx.open_targets(&args.targets.target)?;
    let notes = warn_about_columns(out, &target)?;
    require_columns(ctx.base, &target, &args.column)?;
    let options = StatsOptions {
        threads: thread_count(),
        columns: args.column.clone(),
        top: args.top,
        ..StatsOptions::default()
    };
    let selection = Selection {
        nan: true,
        decoded: Decoded::Shown,
        ..Selection::default()
    };
    let report = scan_rows(ctx.base, &target, &selection, "counting", |s| {
        Ok(stats(s.batches, &options, s.progress)?)
    })?;
    warn_about_truncation(out, report.truncated);
    let output = StatsOutput::of(&report, LeftOutColumn::all(&notes.unread));
    let names: Vec<String> = report.columns.iter().map(|c| printable(&c.name)).collect();
    Ok(out.result(&output, &names, &format_report(&report, out))?)
}

fn format_report(report: &StatsReport, out: Out) -> String {
    let mut text = format!("{} rows, {} column(s)\n", report.rows, report.columns.len());
    if report.malformed > 0 {
        text += &format!("  {} rows are malformed\n", report.malformed);
    }
    for c in &report.columns {
        text += &format!("\n{}\n", printable(&format_column(c, report.rows, out)));
    }
    if report.further_columns > 0 {
        text += &format!("\nabout {} further columns\n", report.further_columns);
    }
    text
}

fn format_column(c: &ColumnStats, rows: u64, out: Out) -> String {
    let about = match c.distinct {
        DistinctCount::Exactly(n) => n.to_string(),
        DistinctCount::About(n) => format!("about {n}"),
    };
    let mut text = format!("{}  {}, {about} different", c.name, c.column_type.name());
    let absent = c.types.null + c.missing;
    if absent > 0 {
        let share = 100.0 * absent as f64 / rows.max(1) as f64;
        text += &format!(", {absent} null or missing ({share:.1} %)");
    }
    let special = [
        (c.types.nan, "NaN"),
        (c.types.infinite, "infinite"),
        (c.beyond, "larger than every double"),
    ];
    for (count, what) in special {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    let style = chart::Style::Blocks;
    if let Some(n) = &c.numbers {
        let mean = n.mean.map_or_else(|| "-".to_owned(), chart::short);
        let median = format_median(&n.quantiles);
        text += &format!(
            "\n  minimum {}, maximum {}, mean {mean}, median {median}  {}",
            n.min,
            n.max,
            chart::sparkline(&n.histogram, CHART_WIDTH, style),
        );
    }
    let is_time = matches!(c.column_type, ColumnType::Date | ColumnType::Timestamp);
    let texts = c.texts.as_ref().filter(|_| !is_time);
    let lengths = texts.map(|t| ("characters", &t.lengths));
    let bytes = c.bytes.as_ref().map(|b| ("bytes", b));
    let arrays = c.arrays.as_ref().map(|a| ("elements", a));
    for (what, l) in lengths.into_iter().chain(bytes).chain(arrays) {
        text += &format!(
            "\n  {} to {} {what}, mean {}, median {}  {}",
            l.min,
            l.max,
            chart::short(l.mean),
            format_median(&l.quantiles),
            chart::sparkline(&l.histogram, CHART_WIDTH, style),
        );
    }
    if let Some(t) = &c.texts {
        let all: u64 = t.scripts.iter().map(|(_, n)| n).sum();
        let share = |n: &u64| 100.0 * *n as f64 / all.max(1) as f64;
        let scripts = t.scripts.iter().filter(|(_, n)| share(n) >= 0.1).take(4);
        let scripts = scripts.filter(|_| !is_time);
        let scripts: Vec<String> = scripts
            .map(|(s, n)| format!("{} {:.1} %", s.name(), share(n)))
            .collect();
        if !scripts.is_empty() {
            text += &format!("\n  {}", scripts.join(", "));
        }
        match &t.times {
            Some((earliest, latest)) => {
                text += &format!("\n  earliest {earliest}, latest {latest}");
            }
            None => {
                let cut = |text: &str| text.chars().take(END_SHOWN).collect::<String>();
                let (first, last) = (cut(&t.first), cut(&t.last));
                text += &format!("\n  minimum {first:?}, maximum {last:?}");
            }
        }
        if t.empty > 0 {
            text += &format!("\n  {} empty", t.empty);
        }
    }
    let room = out.width().saturating_sub(24).max(20);
    for value in c.top.iter().filter(|v| v.at_least > 1).take(TOP_SHOWN) {
        let shown: String = value.text.chars().take(room).collect();
        let more = if value.is_cut || shown.len() < value.text.len() {
            "…"
        } else {
            ""
        };
        let count = if value.at_least == value.at_most {
            value.at_least.to_string()
        } else {
            format!("{}+", value.at_least)
        };
        text += &format!("\n  {count:>8} x {}{more}", shown.replace('\n', " "));
    }
    text
}

/// The median, for people.
fn format_median(quantiles: &[Quantile]) -> String {
    let half = quantiles.iter().find(|q| (q.share - 0.5).abs() < 1e-9);
    half.map_or_else(|| "-".to_owned(), |q| chart::short(q.value))
}
