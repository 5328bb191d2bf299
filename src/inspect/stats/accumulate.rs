//! Puts together what threads and batches came to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::inspect::stats::StatsOptions;
use crate::inspect::stats::column::Column;
use crate::inspect::stats::column::Part;
use crate::inspect::stats::json_walk::BatchStats;
use crate::inspect::stats::json_walk::Walker;
use crate::inspect::stats::lengths::quantiles;
use crate::inspect::stats::report::Bin;
use crate::inspect::stats::report::ColumnStats;
use crate::inspect::stats::report::ColumnType;
use crate::inspect::stats::report::DistinctCount;
use crate::inspect::stats::report::NumberStats;
use crate::inspect::stats::report::StatsReport;
use crate::inspect::stats::report::TextStats;
use crate::inspect::stats::report::TopValue;
use crate::inspect::stats::script::Script;
use crate::inspect::stats::sketches::ddsketch::Bucket;
use crate::inspect::stats::sketches::hash::hash;
use crate::inspect::stats::sketches::hyperloglog::Distinct;
use crate::inspect::stats::sketches::misra_gries::Frequent;
use crate::inspect::stats::sketches::moments::Moments;
use crate::wire::limits::STATISTICS_COLUMNS_MAX;

/// What batches came to so far, in the order of the rows.
#[derive(Default)]
pub(super) struct Accumulator {
    pub(super) report: StatsReport,
    columns: Vec<Ordered>,
    at: HashMap<Arc<str>, usize>,
    /// Columns beyond those, by the hash of their name.
    further: Distinct,
    columns_max: usize,
    /// There are rows that are not of cells.
    has_values: bool,
}

/// Figures of a column for which the order of rows matters.
struct Ordered {
    name: Arc<str>,
    moments: Moments,
    frequent: Frequent,
}

impl Accumulator {
    pub(super) fn new(options: &StatsOptions) -> Self {
        Self {
            columns_max: options.columns_max.min(STATISTICS_COLUMNS_MAX),
            ..Self::default()
        }
    }

    /// Adds the next batch.
    pub(super) fn add(&mut self, made: &BatchStats) {
        self.report.rows += made.rows;
        self.report.malformed += made.malformed;
        self.has_values |= !made.is_delimited;
        for part in &made.parts {
            self.add_part(part);
        }
    }

    fn add_part(&mut self, part: &Part) {
        let at = match self.at.get(&part.name) {
            Some(at) => *at,
            None if self.columns.len() >= self.columns_max => {
                return self.further.add(hash(0, part.name.as_bytes()));
            }
            None => {
                self.at.insert(Arc::clone(&part.name), self.columns.len());
                self.columns.push(Ordered {
                    name: Arc::clone(&part.name),
                    moments: Moments::default(),
                    frequent: Frequent::default(),
                });
                self.columns.len() - 1
            }
        };
        if let Some(column) = self.columns.get_mut(at) {
            column.moments.merge(&part.moments);
            column.frequent.merge(&part.counts);
        }
    }

    /// The report, with what the threads know.
    pub(super) fn finish(mut self, walkers: Vec<Walker>, options: &StatsOptions) -> StatsReport {
        let mut merged: HashMap<Arc<str>, Column> = HashMap::new();
        for walker in walkers {
            self.further.merge(&walker.further);
            for node in walker.nodes {
                if !self.at.contains_key(&node.column.name) || !node.is_wanted {
                    continue;
                }
                match merged.get_mut(&node.column.name) {
                    Some(column) => column.merge(&node.column),
                    None => drop(merged.insert(Arc::clone(&node.column.name), node.column)),
                }
            }
        }
        self.report.further_columns = self.further.estimate();
        let (rows, has_values) = (self.report.rows, self.has_values);
        let columns = self.columns.iter().filter_map(|ordered| {
            let column = merged.get(&ordered.name)?;
            let mut stats = column_stats(rows, column, ordered, options);
            if stats.column_type == ColumnType::Mixed && !has_values {
                stats.column_type = ColumnType::Text;
            }
            Some(stats)
        });
        self.report.columns = columns.collect();
        self.report
    }
}

fn column_stats(
    rows: u64,
    column: &Column,
    ordered: &Ordered,
    options: &StatsOptions,
) -> ColumnStats {
    let distinct = match ordered.frequent.exact() {
        Some(count) => DistinctCount::Exactly(count),
        None => DistinctCount::About(column.distinct.estimate()),
    };
    let types = column.cell_types();
    let texts = text_stats(column, options).filter(|_| types.text > 0);
    ColumnStats {
        name: column.name.to_string(),
        rows: column.rows,
        missing: rows.saturating_sub(column.rows),
        column_type: column.column_type(&types),
        types,
        distinct,
        numbers: number_stats(column, &ordered.moments, options),
        texts,
        arrays: column.arrays.stats(&options.quantiles),
        bytes: column.bytes.stats(&options.quantiles),
        top: top_values(&ordered.frequent, options.top),
    }
}

fn number_stats(column: &Column, moments: &Moments, options: &StatsOptions) -> Option<NumberStats> {
    let numbers = &column.numbers;
    let (min, max) = numbers.range?;
    let sorted = numbers.spread.sorted();
    let mean = match column.types.float {
        // Without a rounding but the last.
        0 => Some(numbers.sum as f64 / numbers.spread.count() as f64),
        _ => moments.mean(),
    };
    Some(NumberStats {
        count: numbers.spread.count(),
        beyond: numbers.beyond,
        min,
        max,
        mean,
        stddev: moments.deviation(),
        quantiles: quantiles(&sorted, &options.quantiles),
        quantile_error: numbers.spread.error(),
        histogram: even_bins(&sorted, options.bins),
    })
}

fn text_stats(column: &Column, options: &StatsOptions) -> Option<TextStats> {
    let texts = &column.texts;
    let lengths = texts.lengths.stats(&options.quantiles)?;
    let are_times = texts.times == lengths.count;
    let times = texts.earliest.zip(texts.latest).filter(|_| are_times);
    let mut scripts: Vec<_> = Script::ALL.into_iter().zip(texts.scripts).collect();
    scripts.retain(|(_, count)| *count > 0);
    scripts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Some(TextStats {
        lengths,
        times: times.map(|(a, b)| (a.shown.text(), b.shown.text())),
        empty: texts.empty,
        ascii: texts.ascii,
        ascii_characters: texts.ascii_characters,
        not_utf8: texts.not_utf8,
        scripts,
        first: texts.first?.text(),
        last: texts.last?.text(),
    })
}

/// Bins of one width. A bucket is spread over those that it touches.
fn even_bins(sorted: &[Bucket], bins: usize) -> Vec<Bin> {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return Vec::new();
    };
    let bins = bins.clamp(1, BINS_MAX);
    // The whole width may be beyond all doubles.
    let width = last.max / bins as f64 - first.min / bins as f64;
    if width <= 0.0 {
        let count = sorted.iter().map(|b| b.count).sum();
        return vec![Bin {
            from: first.min,
            to: last.max,
            count,
        }];
    }
    let mut made: Vec<Bin> = (0..bins)
        .map(|n| Bin {
            from: first.min + width * n as f64,
            to: first.min + width * (n + 1) as f64,
            count: 0,
        })
        .collect();
    if let Some(bin) = made.last_mut() {
        bin.to = last.max;
    }
    for bucket in sorted {
        let middle = bucket.min + (bucket.max - bucket.min) / 2.0;
        let at = ((middle - first.min) / width) as usize;
        if let Some(bin) = made.get_mut(at.min(bins - 1)) {
            bin.count += bucket.count;
        }
    }
    made
}

fn top_values(frequent: &Frequent, n: usize) -> Vec<TopValue> {
    let taken = frequent.taken();
    // Of one that was counted less often than counts may be wrong, nothing is known.
    let known = frequent.top(n).into_iter().filter(|c| c.count > taken);
    known
        .map(|counter| TopValue {
            text: counter.shown.text(),
            is_cut: counter.shown.is_cut(),
            at_least: counter.count,
            at_most: counter.count + taken,
        })
        .collect()
}

/// Bins of a histogram.
const BINS_MAX: usize = 1000;
