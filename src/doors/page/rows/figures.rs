//! Figures of columns, with small charts.

use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::rows::chart::bar;
use crate::doors::page::rows::chart::histogram;
use crate::doors::page::rows::table::beginning;
use crate::doors::page::rows::table::more;
use crate::doors::page::words;
use crate::inspect::stats::ColumnStats;
use crate::inspect::stats::DistinctCount;
use crate::inspect::stats::LengthStats;
use crate::inspect::stats::Quantile;
use crate::inspect::stats::StatsReport;
use crate::inspect::stats::chart::short;

/// Characters of a frequent value.
const VALUE_CHARS: usize = 80;

/// Writes the figures of the columns of a file.
pub(in crate::doors::page) fn figures(h: &mut Html, report: &StatsReport, is_front: bool) {
    let rows = words::count_of(report.rows, "row");
    let about = match is_front {
        true => {
            format!("Figures of the first {rows}. There are more; `inspect stats` reads them all.")
        }
        false => format!("Figures of all {rows}."),
    };
    h.leaf("p", &[At::Lit("class", "count")], &about);
    if report.malformed > 0 {
        let text = format!(
            "{} not of the format of the file.",
            words::count_of(report.malformed, "row")
        );
        h.leaf("p", &[At::Lit("class", "note")], &text);
    }
    h.element("div", &[At::Lit("class", "figures")], |h| {
        for column in &report.columns {
            h.element("section", &[At::Lit("class", "figure")], |h| {
                self::column(h, column, report.rows)
            });
        }
    });
    if report.further_columns > 0 {
        let text = format!(
            "And {}.",
            words::count_of(report.further_columns, "further column")
        );
        h.leaf("p", &[At::Lit("class", "hint")], &text);
    }
}

fn column(h: &mut Html, column: &ColumnStats, rows: u64) {
    h.element("h2", &[], |h| {
        h.text(&column.name).literal(" ");
        h.leaf(
            "span",
            &[At::Lit("class", "badge")],
            column.column_type.name(),
        );
    });
    h.element("dl", &[At::Lit("class", "numbers")], |h| {
        let (distinct, about) = match column.distinct {
            DistinctCount::Exactly(n) => (n, ""),
            DistinctCount::About(n) => (n, "about "),
        };
        number(
            h,
            "distinct",
            &format!("{about}{}", words::grouped(distinct)),
        );
        let absent = column.missing + column.types.null;
        if absent > 0 {
            let share = absent as f64 / rows.max(1) as f64 * 100.0;
            number(
                h,
                "null or missing",
                &format!("{} ({share:.1} %)", words::grouped(absent)),
            );
        }
        if let Some(numbers) = &column.numbers {
            number(h, "least", &short_text(&numbers.min.to_string()));
            number(h, "median", &quantile(&numbers.quantiles, 0.5));
            if let Some(mean) = numbers.mean {
                number(h, "mean", &short(mean));
            }
            number(h, "greatest", &short_text(&numbers.max.to_string()));
        }
        if let Some(texts) = &column.texts {
            lengths(h, "characters", &texts.lengths);
            if texts.empty > 0 {
                number(h, "empty", &words::grouped(texts.empty));
            }
            if let Some((from, to)) = &texts.times {
                number(h, "earliest", from);
                number(h, "latest", to);
            }
        }
        if let Some(arrays) = &column.arrays {
            lengths(h, "elements", arrays);
        }
        if let Some(bytes) = &column.bytes {
            lengths(h, "bytes", bytes);
        }
    });
    match (&column.numbers, &column.texts, &column.arrays) {
        (Some(numbers), ..) => histogram(h, "numbers", &numbers.histogram),
        (None, Some(texts), _) => histogram(h, "characters", &texts.lengths.histogram),
        (None, None, Some(arrays)) => histogram(h, "elements", &arrays.histogram),
        _ => {}
    }
    frequent(h, column);
}

fn frequent(h: &mut Html, column: &ColumnStats) {
    let all = column.types.all();
    let frequent = column.top.iter().filter(|value| value.at_least > 1);
    let frequent: Vec<_> = frequent.collect();
    if frequent.is_empty() {
        return;
    }
    h.element("table", &[At::Lit("class", "top")], |h| {
        h.literal("<caption>Most frequent</caption>");
        h.element("tbody", &[], |h| {
            for value in frequent {
                h.element("tr", &[], |h| {
                    h.element("th", &[At::Lit("scope", "row")], |h| {
                        let (shown, left_out) = beginning(&value.text, VALUE_CHARS);
                        h.text(if shown.is_empty() { "(empty)" } else { shown });
                        more(h, left_out);
                    });
                    h.element("td", &[], |h| bar(h, value.at_least, all));
                    let count = words::grouped(value.at_least);
                    let is_exact = value.at_least == value.at_most;
                    let count = if is_exact {
                        count
                    } else {
                        format!("≥ {count}")
                    };
                    h.leaf("td", &[At::Lit("class", "number")], &count);
                });
            }
        });
    });
}

fn lengths(h: &mut Html, of: &str, lengths: &LengthStats) {
    let text = format!(
        "{} – {}, median {}",
        words::grouped(lengths.min),
        words::grouped(lengths.max),
        quantile(&lengths.quantiles, 0.5)
    );
    number(h, of, &text);
}

fn number(h: &mut Html, name: &str, value: &str) {
    h.element("div", &[], |h| {
        h.leaf("dt", &[], name).leaf("dd", &[], value);
    });
}

fn quantile(quantiles: &[Quantile], share: f64) -> String {
    let mut found = quantiles.iter().filter(|q| (q.share - share).abs() < 1e-9);
    found.next().map_or_else(String::new, |q| short(q.value))
}

/// Returns a number as it is written, or in short where that is long.
fn short_text(number: &str) -> String {
    match number.parse::<f64>() {
        Ok(value) if number.len() > 12 => short(value),
        _ => number.to_owned(),
    }
}
