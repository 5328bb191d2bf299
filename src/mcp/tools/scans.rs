//! Tools that read a whole target: figures, lint, tokens.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::inspect::lint::LintOptions;
use crate::inspect::lint::Rule;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::mask_secrets;
use crate::inspect::stats::ColumnStats;
use crate::inspect::stats::DistinctCount;
use crate::inspect::stats::LengthStats;
use crate::inspect::stats::StatsOptions;
use crate::inspect::stats::stats;
use crate::inspect::table::Decoded;
use crate::inspect::table::Scan;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::inspect::tokens::Encoding;
use crate::inspect::tokens::TokenOptions;
use crate::inspect::tokens::count_tokens;
use crate::locks::threads;
use crate::mcp::answer::Answer;
use crate::mcp::error::ToolError;
use crate::mcp::limits::EXAMPLES_MAX;
use crate::mcp::tools::arguments::Arguments;
use crate::mcp::work::Work;
use crate::mcp::workspace::OpenTarget;
use crate::mcp::workspace::Workspace;
use crate::progress::Progress as _;

/// The error that ended a scan.
pub(crate) struct ScanError(TableError);

impl From<TableError> for ScanError {
    fn from(error: TableError) -> Self {
        Self(error)
    }
}

/// Scans the rows of a target.
///
/// # Errors
/// [`ToolError`] when they cannot be read.
pub(crate) fn with_scan<T>(
    open: &OpenTarget,
    selection: &Selection,
    phase: &str,
    work: &Work,
    go: impl FnOnce(&Scan<'_>) -> Result<T, ScanError>,
) -> Result<T, ToolError> {
    let target = &open.target;
    let batches = target.batches(selection)?;
    work.phase(phase, Some(target.size_bytes()));
    let scan = Scan {
        batches: &*batches,
        threads: threads(),
        progress: work,
    };
    go(&scan).map_err(|ScanError(error)| target.blame(error).into())
}

/// Requires that a target has these columns.
///
/// # Errors
/// [`ToolError`] with the columns that it has.
pub(crate) fn require_columns(
    open: &OpenTarget,
    columns: &[String],
    work: &Work,
) -> Result<(), ToolError> {
    if columns.is_empty() {
        return Ok(());
    }
    let checked = open.target.require_columns(columns, threads(), work);
    checked.map_err(|error| {
        ToolError::from(error)
            .with_next("dataset_schema lists the columns; nested ones are written a.b[].c")
    })
}

/// Returns figures of the columns.
pub(crate) fn column_stats(
    workspace: &Workspace,
    arguments: &Arguments,
    work: &Work,
) -> Result<Answer, ToolError> {
    let open = workspace.target(arguments.text("target")?)?;
    let columns = arguments.texts("columns")?;
    require_columns(&open, &columns, work)?;
    let top = arguments.count("top", 5, 50)?;
    let key = format!(
        "stats {} {}",
        open.identity,
        arguments.question(&["max_chars"])
    );
    let shows = workspace.options.show_secrets;
    workspace.remembered(key, || {
        let options = StatsOptions {
            threads: threads(),
            columns: columns.clone(),
            top: usize::try_from(top).unwrap_or(5),
            ..StatsOptions::default()
        };
        let selection = Selection {
            nan: true,
            decoded: Decoded::Shown,
            ..Selection::default()
        };
        let report = with_scan(&open, &selection, "counting", work, |scan| {
            Ok(stats(scan.batches, &options, scan.progress)?)
        })?;
        let found: Vec<Value> = report
            .columns
            .iter()
            .map(|c| column_value(c, shows))
            .collect();
        Ok(Answer::of(json!({
            "target": open.name,
            "rows": report.rows,
            "malformed": report.malformed,
            "further_columns": report.further_columns,
            "columns": found,
        })))
    })
}

fn column_value(column: &ColumnStats, shows_secrets: bool) -> Value {
    let shown = |text: &str| match shows_secrets {
        true => text.to_owned(),
        false => mask_secrets(text).unwrap_or_else(|| text.to_owned()),
    };
    let mut value = Map::new();
    value.insert("name".to_owned(), json!(column.name));
    value.insert("type".to_owned(), json!(column.column_type.name()));
    value.insert("nulls".to_owned(), json!(column.types.null));
    value.insert("missing".to_owned(), json!(column.missing));
    let (distinct, is_exact) = match column.distinct {
        DistinctCount::Exactly(n) => (n, true),
        DistinctCount::About(n) => (n, false),
    };
    value.insert("distinct".to_owned(), json!(distinct));
    value.insert("distinct_is_exact".to_owned(), json!(is_exact));
    if let Some(numbers) = &column.numbers {
        let quantile = |share: f64| {
            let found = numbers
                .quantiles
                .iter()
                .find(|q| (q.share - share).abs() < 1e-9);
            found.map(|q| q.value)
        };
        value.insert("min".to_owned(), json!(numbers.min.to_string()));
        value.insert("max".to_owned(), json!(numbers.max.to_string()));
        value.insert("mean".to_owned(), json!(numbers.mean));
        value.insert("p50".to_owned(), json!(quantile(0.5)));
        value.insert("p95".to_owned(), json!(quantile(0.95)));
    }
    if let Some(texts) = &column.texts {
        value.insert("chars".to_owned(), lengths(&texts.lengths));
        value.insert("empty".to_owned(), json!(texts.empty));
    }
    if let Some(arrays) = &column.arrays {
        value.insert("elements".to_owned(), lengths(arrays));
    }
    let top = column.top.iter().filter(|v| v.at_least > 1);
    let top: Vec<Value> = top
        .map(|v| {
            let text: String = shown(&v.text).chars().take(200).collect();
            json!({"value": text, "count": v.at_least, "count_is_exact": v.at_least == v.at_most})
        })
        .collect();
    value.insert("top".to_owned(), Value::Array(top));
    Value::Object(value)
}

fn lengths(stats: &LengthStats) -> Value {
    let half = stats
        .quantiles
        .iter()
        .find(|q| (q.share - 0.5).abs() < 1e-9);
    json!({
        "min": stats.min,
        "p50": half.map(|q| q.value),
        "mean": stats.mean,
        "max": stats.max,
    })
}

/// Returns faults of rows and files.
pub(crate) fn lint_dataset(
    workspace: &Workspace,
    arguments: &Arguments,
    work: &Work,
) -> Result<Answer, ToolError> {
    let open = workspace.target(arguments.text("target")?)?;
    let rules = arguments.texts("rules")?;
    let rules: Result<Vec<RuleId>, ToolError> = rules.iter().map(|name| rule(name)).collect();
    let rules = rules?;
    let examples = arguments.count("limit", 3, EXAMPLES_MAX)?;
    let key = format!(
        "lint {} {}",
        open.identity,
        arguments.question(&["max_chars"])
    );
    workspace.remembered(key, || {
        let mut options = match rules.as_slice() {
            [] => LintOptions::default(),
            some => LintOptions::only(some),
        };
        options.examples = usize::try_from(examples).unwrap_or(3);
        options.threads = threads();
        let report = open.target.lint(&options, work)?;
        let found = report.rules.iter().filter(|r| r.count > 0).map(|r| {
            let examples = r.examples.iter();
            let examples = examples.map(|e| {
                json!({"n": e.row, "field": e.column, "message": e.message, "excerpt": e.excerpt})
            });
            json!({
                "rule": r.rule.name,
                "severity": r.severity.to_string(),
                "count": r.count,
                "help": r.rule.short,
                "examples": examples.collect::<Vec<Value>>(),
            })
        });
        Ok(Answer::of(json!({
            "target": open.name,
            "checked": report.checked,
            "errors": report.errors,
            "warnings": report.warnings,
            "notes": report.notes,
            "rules": found.collect::<Vec<Value>>(),
        })))
    })
}

fn rule(name: &str) -> Result<RuleId, ToolError> {
    let unknown = || {
        let names = crate::inspect::lint::RULES.iter().map(|r| r.name);
        ToolError::new(format!("there is no rule `{name}`")).with_next(format!(
            "use some of {}",
            names.collect::<Vec<_>>().join(", ")
        ))
    };
    Rule::named(name).map(|rule| rule.id).ok_or_else(unknown)
}

/// Returns the number of tokens.
pub(crate) fn count_target_tokens(
    workspace: &Workspace,
    arguments: &Arguments,
    work: &Work,
) -> Result<Answer, ToolError> {
    let open = workspace.target(arguments.text("target")?)?;
    let columns = arguments.texts("columns")?;
    require_columns(&open, &columns, work)?;
    let encoding = match arguments.text("encoding")? {
        None => Encoding::default(),
        Some(name) => Encoding::named(name).ok_or_else(|| {
            let names = Encoding::ALL.iter().map(|e| e.name());
            ToolError::new(format!("there is no encoding `{name}`")).with_next(format!(
                "use one of {}",
                names.collect::<Vec<_>>().join(", ")
            ))
        })?,
    };
    let key = format!(
        "tokens {} {}",
        open.identity,
        arguments.question(&["max_chars"])
    );
    workspace.remembered(key, || {
        let options = TokenOptions {
            threads: threads(),
            encoding,
            columns: columns.clone(),
        };
        let selection = Selection {
            columns: columns.clone(),
            ..Selection::default()
        };
        let report = with_scan(&open, &selection, "counting tokens", work, |scan| {
            Ok(count_tokens(scan.batches, &options, scan.progress)?)
        })?;
        let share = |wanted: f64| {
            let lengths = report.per_row.as_ref()?;
            let found = lengths
                .quantiles
                .iter()
                .find(|q| (q.share - wanted).abs() < 1e-9);
            found.map(|q| q.value)
        };
        let lengths = report.per_row.as_ref();
        Ok(Answer::of(json!({
            "target": open.name,
            "tokens": report.tokens,
            "rows": report.rows,
            "mean": lengths.map_or(0.0, |l| l.mean),
            "p50": share(0.5),
            "p95": share(0.95),
            "max": lengths.map_or(0, |l| l.max),
            "encoding": encoding.name(),
            "malformed": report.malformed,
        })))
    })
}
