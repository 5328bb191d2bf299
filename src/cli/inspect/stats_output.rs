//! The JSON of `inspect stats`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::inspect::columns::LeftOutColumn;
use crate::inspect::stats::Bin;
use crate::inspect::stats::ColumnStats;
use crate::inspect::stats::ColumnType;
use crate::inspect::stats::DistinctCount;
use crate::inspect::stats::LengthStats;
use crate::inspect::stats::Number;
use crate::inspect::stats::NumberStats;
use crate::inspect::stats::Quantile;
use crate::inspect::stats::StatsReport;
use crate::inspect::stats::TextStats;

#[derive(Serialize)]
pub(super) struct StatsOutput<'a> {
    rows: u64,
    malformed: u64,
    further_columns: u64,
    columns: Vec<ColumnObject<'a>>,
    left_out: Vec<LeftOutColumn>,
}

#[derive(Serialize)]
struct ColumnObject<'a> {
    name: &'a str,
    r#type: &'static str,
    rows: u64,
    missing: u64,
    types: TypesObject,
    nulls: u64,
    nan: u64,
    infinite: u64,
    beyond: u64,
    distinct_estimate: u64,
    distinct_exact: bool,
    min: Option<ValueObject<'a>>,
    max: Option<ValueObject<'a>>,
    earliest: Option<&'a str>,
    latest: Option<&'a str>,
    mean: Option<f64>,
    stddev: Option<f64>,
    quantiles: Option<BTreeMap<String, f64>>,
    quantile_error: Option<f64>,
    histogram: Option<Vec<BinObject>>,
    lengths: Option<LengthsObject>,
    length_histogram: Option<Vec<BinObject>>,
    empty: Option<u64>,
    ascii: Option<u64>,
    not_utf8: Option<u64>,
    scripts: Option<Vec<ScriptObject>>,
    top: Vec<TopObject<'a>>,
}

/// The counts of values by type.
#[derive(Serialize)]
struct TypesObject {
    null: u64,
    bool: u64,
    int: u64,
    float: u64,
    text: u64,
    binary: u64,
    array: u64,
    object: u64,
}

/// The least or the greatest value of a column.
#[derive(Serialize)]
#[serde(untagged)]
enum ValueObject<'a> {
    Int(i64),
    Unsigned(u64),
    Float(f64),
    Text(&'a str),
}

#[derive(Serialize)]
struct BinObject {
    from: f64,
    to: f64,
    count: u64,
}

#[derive(Serialize)]
struct LengthsObject {
    min: u64,
    max: u64,
    mean: f64,
    sum: u64,
    quantiles: BTreeMap<String, f64>,
}

#[derive(Serialize)]
struct ScriptObject {
    script: &'static str,
    characters: u64,
}

#[derive(Serialize)]
struct TopObject<'a> {
    value: &'a str,
    cut: bool,
    at_least: u64,
    at_most: u64,
}

impl<'a> StatsOutput<'a> {
    pub(super) fn of(report: &'a StatsReport, left_out: Vec<LeftOutColumn>) -> Self {
        Self {
            rows: report.rows,
            malformed: report.malformed,
            further_columns: report.further_columns,
            columns: report.columns.iter().map(ColumnObject::of).collect(),
            left_out,
        }
    }
}

impl<'a> ColumnObject<'a> {
    fn of(c: &'a ColumnStats) -> Self {
        let numbers = c.numbers.as_ref();
        let texts = c.texts.as_ref();
        let lengths = texts.map(|t| &t.lengths);
        let lengths = lengths.or(c.bytes.as_ref()).or(c.arrays.as_ref());
        let quantiles = numbers.map(|n| n.quantiles.as_slice());
        let quantiles = quantiles.or(lengths.map(|l| l.quantiles.as_slice()));
        let (distinct_exact, distinct_estimate) = match c.distinct {
            DistinctCount::Exactly(n) => (true, n),
            DistinctCount::About(n) => (false, n),
        };
        let times = texts.and_then(|t| t.times.as_ref());
        let (min, max) = extremes(c, numbers, texts);
        let t = &c.types;
        let top = c.top.iter().map(|v| TopObject {
            value: &v.text,
            cut: v.is_cut,
            at_least: v.at_least,
            at_most: v.at_most,
        });
        Self {
            name: &c.name,
            r#type: c.column_type.name(),
            rows: c.rows,
            missing: c.missing,
            types: TypesObject {
                null: t.null,
                bool: t.bool,
                int: t.int,
                float: t.float,
                text: t.text,
                binary: t.binary,
                array: t.array,
                object: t.object,
            },
            nulls: t.null,
            nan: t.nan,
            infinite: t.infinite,
            beyond: c.beyond,
            distinct_estimate,
            distinct_exact,
            min,
            max,
            earliest: times.map(|t| t.0.as_str()),
            latest: times.map(|t| t.1.as_str()),
            mean: numbers.map_or(lengths.map(|l| l.mean), |n| n.mean),
            stddev: numbers.and_then(|n| n.stddev),
            quantiles: quantiles.map(by_share),
            quantile_error: numbers.map_or(lengths.map(|l| l.quantile_error), |n| {
                Some(n.quantile_error)
            }),
            histogram: numbers.map(|n| BinObject::all(&n.histogram)),
            lengths: lengths.map(LengthsObject::of),
            length_histogram: lengths.map(|l| BinObject::all(&l.histogram)),
            empty: texts.map(|t| t.empty),
            ascii: texts.map(|t| t.ascii),
            not_utf8: texts.map(|t| t.not_utf8),
            scripts: texts.map(ScriptObject::all),
            top: top.collect(),
        }
    }
}

/// The least and the greatest value: of times, of numbers, or of texts.
fn extremes<'a>(
    c: &ColumnStats,
    numbers: Option<&NumberStats>,
    texts: Option<&'a TextStats>,
) -> (Option<ValueObject<'a>>, Option<ValueObject<'a>>) {
    if let Some(n) = numbers {
        return (Some(ValueObject::of(n.min)), Some(ValueObject::of(n.max)));
    }
    let is_time = matches!(c.column_type, ColumnType::Date | ColumnType::Timestamp);
    let ends = texts.and_then(|t| {
        if is_time {
            t.times.as_ref().map(|(first, last)| (first, last))
        } else {
            Some((&t.first, &t.last))
        }
    });
    let text = |text: &'a String| ValueObject::Text(text);
    (
        ends.map(|(first, _)| text(first)),
        ends.map(|(_, last)| text(last)),
    )
}

impl ValueObject<'_> {
    fn of(number: Number) -> Self {
        match number {
            Number::Int(n) => match (i64::try_from(n), u64::try_from(n)) {
                (Ok(n), _) => Self::Int(n),
                (_, Ok(n)) => Self::Unsigned(n),
                _ => Self::Float(number.to_f64()),
            },
            Number::Float(x) => Self::Float(x),
        }
    }
}

impl BinObject {
    fn all(bins: &[Bin]) -> Vec<Self> {
        let object = |b: &Bin| Self {
            from: b.from,
            to: b.to,
            count: b.count,
        };
        bins.iter().map(object).collect()
    }
}

impl LengthsObject {
    fn of(l: &LengthStats) -> Self {
        Self {
            min: l.min,
            max: l.max,
            mean: l.mean,
            sum: l.sum,
            quantiles: by_share(&l.quantiles),
        }
    }
}

impl ScriptObject {
    fn all(t: &TextStats) -> Vec<Self> {
        let scripts = t.scripts.iter().map(|(script, n)| Self {
            script: script.name(),
            characters: *n,
        });
        scripts.collect()
    }
}

/// Quantiles by their share, such as `0.5`.
fn by_share(quantiles: &[Quantile]) -> BTreeMap<String, f64> {
    let each = quantiles.iter().map(|q| (q.share.to_string(), q.value));
    each.collect()
}
