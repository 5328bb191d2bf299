//! Statistics of a column, findings of lint, duplicates.

use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::dedup;
use crate::inspect::lint::LintOptions;
use crate::inspect::lint::Severity;
use crate::inspect::lint::lint_files;
use crate::inspect::stats::Bin;
use crate::inspect::stats::ColumnStats;
use crate::inspect::stats::DistinctCount;
use crate::inspect::stats::Quantile;
use crate::inspect::stats::StatsOptions;
use crate::inspect::stats::chart;
use crate::inspect::stats::stats as column_stats;
use crate::inspect::table::Decoded;
use crate::inspect::table::Selection;
use crate::locks::threads;
use crate::registry::SpillDirectory;
use crate::tui::document::Document;
use crate::tui::document::DocumentError;
use crate::tui::document::counting::JobProgress;
use crate::tui::job::AnswerBody;
use crate::tui::job::DuplicateFacts;
use crate::tui::job::Finding;
use crate::tui::job::Frequent;
use crate::tui::job::StatsFacts;
use crate::tui::limits::DEDUP_BYTES;
use crate::tui::limits::FINDINGS_MAX;
use crate::tui::pane::Line;
use crate::tui::pane::Tone;
use crate::tui::text::grouped;
use crate::tui::work::reporter::Reporter;

/// Frequent values that are listed.
const VALUES_MAX: usize = 200;

/// Describes a column.
pub(super) fn stats(
    document: &Document,
    column: &str,
    width: u16,
    to: &Reporter,
) -> Result<AnswerBody, DocumentError> {
    to.begin(document.target().size_bytes());
    let options = StatsOptions {
        threads: threads(),
        columns: vec![column.to_owned()],
        top: VALUES_MAX,
        ..StatsOptions::default()
    };
    let selection = Selection {
        nan: true,
        decoded: Decoded::Shown,
        columns: vec![column.to_owned()],
        ..Selection::default()
    };
    let batches = document.target().all(selection);
    let progress = JobProgress {
        cancel: &to.cancel,
        done: &|bytes| to.advance(bytes),
    };
    let report = column_stats(&*batches, &options, &progress)?;
    let mut facts = StatsFacts {
        column: column.to_owned(),
        rows: report.rows,
        ..StatsFacts::default()
    };
    match report.columns.iter().find(|stats| stats.name == column) {
        Some(stats) => {
            facts.lines = lines_of(stats, report.rows, usize::from(width));
            facts.values = stats
                .top
                .iter()
                .map(|value| Frequent {
                    text: value.text.clone(),
                    is_cut: value.is_cut,
                    count: value.at_least,
                    is_least: value.at_least != value.at_most,
                })
                .collect();
        }
        None => facts
            .lines
            .push(Line::of(Tone::Quiet, "no row has this column")),
    }
    Ok(AnswerBody::Stats(Box::new(facts)))
}

fn lines_of(stats: &ColumnStats, rows: u64, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |name: &str, value: String| {
        lines.push(Line::of(Tone::Key, format!("{name:<12}")).with(Tone::Plain, value));
    };
    add("type", stats.column_type.name().to_owned());
    add("rows", grouped(rows));
    let absent = stats.types.null + stats.missing;
    let share = 100.0 * absent as f64 / rows.max(1) as f64;
    add("empty", format!("{} ({share:.1} %)", grouped(absent)));
    add(
        "distinct",
        match stats.distinct {
            DistinctCount::Exactly(n) => grouped(n),
            DistinctCount::About(n) => format!("about {}", grouped(n)),
        },
    );
    let mut charts: Vec<(&str, &[Bin])> = Vec::new();
    if let Some(numbers) = &stats.numbers {
        add("minimum", numbers.min.to_string());
        add("maximum", numbers.max.to_string());
        add(
            "mean",
            numbers.mean.map_or_else(|| "-".to_owned(), chart::short),
        );
        add(
            "deviation",
            numbers.stddev.map_or_else(|| "-".to_owned(), chart::short),
        );
        add("quantiles", quantiles(&numbers.quantiles));
        charts.push(("values", &numbers.histogram));
    }
    let texts = stats
        .texts
        .as_ref()
        .map(|texts| ("characters", &texts.lengths));
    let bytes = stats.bytes.as_ref().map(|lengths| ("bytes", lengths));
    let arrays = stats.arrays.as_ref().map(|lengths| ("elements", lengths));
    for (what, lengths) in texts.into_iter().chain(bytes).chain(arrays) {
        add(
            what,
            format!(
                "{} to {}, mean {}",
                grouped(lengths.min),
                grouped(lengths.max),
                chart::short(lengths.mean)
            ),
        );
        add("quantiles", quantiles(&lengths.quantiles));
        charts.push((what, &lengths.histogram));
    }
    if let Some(texts) = &stats.texts {
        let cut = |text: &str| text.chars().take(60).collect::<String>();
        add("first", cut(&texts.first));
        add("last", cut(&texts.last));
    }
    for (what, bins) in charts {
        lines.push(Line::default());
        lines.push(Line::of(Tone::Title, what));
        let drawn = chart::histogram(
            bins,
            width.saturating_sub(4).clamp(20, 100),
            chart::Style::Blocks,
        );
        lines.extend(drawn.into_iter().map(|line| Line::of(Tone::Bar, line)));
    }
    if !stats.top.is_empty() {
        lines.push(Line::default());
        lines.push(Line::of(Tone::Title, "frequent values").with(Tone::Quiet, "  (F lists them)"));
        for value in stats.top.iter().take(10) {
            let more = if value.at_least == value.at_most {
                ""
            } else {
                "+"
            };
            let count = format!("{:>10}{more:<1}  ", grouped(value.at_least));
            lines.push(Line::of(Tone::Number, count).with(Tone::Text, value.text.clone()));
        }
    }
    lines
}

fn quantiles(quantiles: &[Quantile]) -> String {
    let shown = quantiles.iter().filter(|q| (0.04..0.96).contains(&q.share));
    let shown: Vec<String> = shown
        .map(|q| format!("{:.0} %: {}", q.share * 100.0, chart::short(q.value)))
        .collect();
    shown.join("  ")
}

/// Finds faults of rows.
pub(super) fn lint(document: &Document, to: &Reporter) -> Result<AnswerBody, DocumentError> {
    to.begin(document.target().size_bytes());
    let options = LintOptions {
        examples: FINDINGS_MAX,
        threads: threads(),
        ..LintOptions::default()
    };
    let progress = JobProgress {
        cancel: &to.cancel,
        done: &|bytes| to.advance(bytes),
    };
    let open = |first: usize| document.target().from_file(first);
    let report = lint_files(&open, &options, &progress)?;
    let mut findings: Vec<Finding> = Vec::new();
    for rule in report.rules {
        findings.extend(rule.examples.into_iter().map(|example| Finding {
            row: example.row,
            rule: rule.rule.name,
            is_error: rule.severity == Severity::Error,
            message: match example.column {
                Some(column) => format!("`{column}`: {}", example.message),
                None => example.message,
            },
        }));
    }
    findings.sort_by_key(|finding| (finding.row, !finding.is_error));
    Ok(AnswerBody::Findings(findings))
}

/// Finds equal and similar rows.
pub(super) fn duplicates(document: &Document, to: &Reporter) -> Result<AnswerBody, DocumentError> {
    // Each pass reads all rows.
    to.begin(document.target().size_bytes().saturating_mul(PASSES));
    let spill = SpillDirectory::create(document.home())?;
    let options = DedupOptions {
        budget_bytes: DEDUP_BYTES,
        size_bytes: Some(document.target().size_bytes()),
        spill: spill.spill(),
        ..DedupOptions::default()
    };
    let progress = JobProgress {
        cancel: &to.cancel,
        done: &|bytes| to.advance(bytes),
    };
    let open = |selection: &Selection| Ok(document.target().all_batches(&selection.columns));
    let report = dedup(&open, &options, &progress)?;
    let pairs = report.evidence.iter().map(|pair| (pair.removed, pair.kept));
    Ok(AnswerBody::Duplicates(Box::new(DuplicateFacts {
        rows: report.rows,
        exact: report.exact_duplicates,
        near: report.near_duplicates,
        pairs: pairs.collect(),
    })))
}

/// Passes of a duplicate search, about.
const PASSES: u64 = 3;
