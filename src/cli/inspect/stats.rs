//! `inspect stats`.

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::StatsArgs;
use crate::cli::exit::Failure;
use crate::cli::inspect::left_out;
use crate::cli::inspect::require_columns;
use crate::cli::inspect::scan;
use crate::cli::inspect::targets;
use crate::cli::inspect::tell_columns;
use crate::cli::inspect::tell_truncated;
use crate::cli::inspect::threads;
use crate::cli::out::Out;
use crate::cli::out::printable;
use crate::inspect::stats::Bin;
use crate::inspect::stats::ColumnStats;
use crate::inspect::stats::ColumnType;
use crate::inspect::stats::DistinctCount;
use crate::inspect::stats::LengthStats;
use crate::inspect::stats::Number;
use crate::inspect::stats::Quantile;
use crate::inspect::stats::StatsOptions;
use crate::inspect::stats::StatsReport;
use crate::inspect::stats::chart;
use crate::inspect::stats::stats;
use crate::inspect::table::Decoded;
use crate::inspect::table::Selection;

/// Columns of the terminal that a small chart takes.
const CHART_WIDTH: usize = 24;
/// Characters that a terminal shows of the first and the last text of a column.
const END_SHOWN: usize = 32;
/// Frequent values that a terminal shows of a column.
const TOP_SHOWN: usize = 3;

pub(crate) fn run(args: &StatsArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let target = targets(&args.target, cli, out)?;
    let notes = tell_columns(&target, out)?;
    require_columns(&target, &args.column, out)?;
    let options = StatsOptions {
        threads: threads(),
        columns: args.column.clone(),
        top: args.top,
        ..StatsOptions::default()
    };
    let selection = Selection {
        nan: true,
        decoded: Decoded::Shown,
        ..Selection::default()
    };
    let report = scan(&target, &selection, ("counting", out), |s| {
        Ok(stats(s.batches, &options, s.progress)?)
    })?;
    tell_truncated(report.truncated, out);
    let columns: Vec<Value> = report.columns.iter().map(column).collect();
    let answer = json!({
        "rows": report.rows, "malformed": report.malformed,
        "further_columns": report.further_columns, "columns": columns,
        "left_out": left_out(&notes.unread),
    });
    let names: Vec<String> = report.columns.iter().map(|c| printable(&c.name)).collect();
    Ok(out.result(&answer, &names, &text(&report, *out))?)
}

fn column(c: &ColumnStats) -> Value {
    let numbers = c.numbers.as_ref();
    let texts = c.texts.as_ref();
    let lengths = texts.map(|t| &t.lengths);
    let lengths = lengths.or(c.bytes.as_ref()).or(c.arrays.as_ref());
    let quantiles = numbers
        .map(|n| &n.quantiles)
        .or(lengths.map(|l| &l.quantiles));
    let (is_exact, distinct) = match c.distinct {
        DistinctCount::Exactly(n) => (true, n),
        DistinctCount::About(n) => (false, n),
    };
    let is_time = matches!(c.column_type, ColumnType::Date | ColumnType::Timestamp);
    let times = texts.and_then(|t| t.times.as_ref());
    let (min, max) = match (numbers, texts) {
        (None, _) if is_time => (json!(times.map(|t| &t.0)), json!(times.map(|t| &t.1))),
        (Some(n), _) => (number(n.min), number(n.max)),
        (None, Some(t)) => (json!(t.first), json!(t.last)),
        (None, None) => (Value::Null, Value::Null),
    };
    let t = &c.types;
    let top = c.top.iter().map(
        |v| json!({"value": v.text, "cut": v.is_cut, "at_least": v.at_least, "at_most": v.at_most}),
    );
    json!({
        "name": c.name, "type": c.column_type.name(), "rows": c.rows, "missing": c.missing,
        "types": {
            "null": t.null, "bool": t.bool, "int": t.int, "float": t.float, "text": t.text,
            "binary": t.binary, "array": t.array, "object": t.object,
        },
        "nulls": t.null, "nan": t.nan, "infinite": t.infinite, "distinct_estimate": distinct, "distinct_exact": is_exact,
        "min": min, "max": max,
        "earliest": times.map(|t| &t.0), "latest": times.map(|t| &t.1),
        "mean": numbers.map_or(lengths.map(|l| l.mean), |n| n.mean),
        "stddev": numbers.and_then(|n| n.stddev),
        "quantiles": quantiles.map(|q| shares(q)),
        "quantile_error": numbers.map_or(lengths.map(|l| l.quantile_error), |n| Some(n.quantile_error)),
        "histogram": numbers.map(|n| bins(&n.histogram)),
        "lengths": lengths.map(of_lengths),
        "length_histogram": lengths.map(|l| bins(&l.histogram)),
        "empty": texts.map(|t| t.empty), "ascii": texts.map(|t| t.ascii),
        "not_utf8": texts.map(|t| t.not_utf8),
        "scripts": texts.map(|t| {
            let of = t.scripts.iter().map(|(s, n)| json!({"script": s.name(), "characters": n}));
            of.collect::<Vec<_>>()
        }),
        "top": top.collect::<Vec<_>>(),
    })
}

fn number(number: Number) -> Value {
    match number {
        Number::Int(n) => match (i64::try_from(n), u64::try_from(n)) {
            (Ok(n), _) => json!(n),
            (_, Ok(n)) => json!(n),
            _ => json!(number.to_f64()),
        },
        Number::Float(x) => json!(x),
    }
}

fn of_lengths(l: &LengthStats) -> Value {
    json!({
        "min": l.min, "max": l.max, "mean": l.mean, "sum": l.sum, "quantiles": shares(&l.quantiles),
    })
}

fn shares(quantiles: &[Quantile]) -> Value {
    let each = quantiles
        .iter()
        .map(|q| (q.share.to_string(), json!(q.value)));
    Value::Object(each.collect())
}

fn bins(bins: &[Bin]) -> Vec<Value> {
    let each = bins
        .iter()
        .map(|b| json!({"from": b.from, "to": b.to, "count": b.count}));
    each.collect()
}

fn text(report: &StatsReport, out: Out) -> String {
    let mut text = format!("{} rows, {} column(s)\n", report.rows, report.columns.len());
    if report.malformed > 0 {
        text += &format!("  {} rows are malformed\n", report.malformed);
    }
    for c in &report.columns {
        text += &format!("\n{}\n", printable(&of_column(c, report.rows, out)));
    }
    if report.further_columns > 0 {
        text += &format!("\nabout {} further columns\n", report.further_columns);
    }
    text
}

fn of_column(c: &ColumnStats, rows: u64, out: Out) -> String {
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
    for (count, what) in [(c.types.nan, "NaN"), (c.types.infinite, "infinite")] {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    let style = chart::Style::Blocks;
    if let Some(n) = &c.numbers {
        let mean = n.mean.map_or_else(|| "-".to_owned(), chart::short);
        let middle = middle(&n.quantiles);
        text += &format!(
            "\n  minimum {}, maximum {}, mean {mean}, median {middle}  {}",
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
            middle(&l.quantiles),
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

fn middle(quantiles: &[Quantile]) -> String {
    let half = quantiles.iter().find(|q| (q.share - 0.5).abs() < 1e-9);
    half.map_or_else(|| "-".to_owned(), |q| chart::short(q.value))
}
