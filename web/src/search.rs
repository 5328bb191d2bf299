//! Passes over all rows of a file: search and faults.

use alimentar::inspect::Format;
use alimentar::inspect::lint::LintOptions;
use alimentar::inspect::lint::LintReport;
use alimentar::inspect::lint::RuleId;
use alimentar::inspect::lint::lint;
use alimentar::inspect::row_json;
use alimentar::inspect::search::Hit;
use alimentar::inspect::search::Pattern;
use alimentar::inspect::search::PatternOptions;
use alimentar::inspect::search::find_matches;
use alimentar::inspect::table::Scan;
use alimentar::inspect::table::Scratch;
use alimentar::inspect::table::Selection;
use alimentar::inspect::table::Shape;
use alimentar::inspect::table::TableError;
use alimentar::progress::Progress;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::failure::Failure;
use crate::limits::HITS_MAX;
use crate::limits::LISTED_ROW_BYTES_MAX;
use crate::table::OpenTable;

/// A search.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    pattern: String,
    #[serde(default)]
    fixed: bool,
    #[serde(default)]
    ignore_case: bool,
    #[serde(default)]
    word: bool,
    #[serde(default)]
    invert: bool,
    #[serde(default)]
    column: Option<String>,
    #[serde(default)]
    limit: Option<u64>,
    /// Number of the first row that is searched.
    #[serde(default)]
    from: u64,
}

/// Receiver of rows that a search finds.
pub(crate) type EachHit<'a> = dyn FnMut(String) + Send + 'a;

/// Finds rows.
///
/// # Errors
/// [`Failure`] for an invalid pattern, or rows that cannot be read.
pub(crate) fn search(
    table: &OpenTable,
    request: &str,
    progress: &dyn Progress,
    each: &mut EachHit<'_>,
) -> Result<Value, Failure> {
    let search: Search = serde_json::from_str(request)?;
    let mut text = match search.fixed {
        true => escaped(&search.pattern),
        false => search.pattern.clone(),
    };
    if search.word {
        text = format!(r"\b(?:{text})\b");
    }
    let mut options = PatternOptions::default();
    options.ignores_case = search.ignore_case;
    options.is_inverted = search.invert;
    options.column = search.column.clone().filter(|c| !c.is_empty());
    let columns = options.column.clone().into_iter().collect();
    let pattern = Pattern::new(&text, options)?;
    let selection = Selection {
        from: search.from,
        columns,
        ..Selection::default()
    };
    let limit = search.limit.unwrap_or(HITS_MAX).clamp(1, HITS_MAX);
    progress.phase("searching", Some(table.bytes()));
    let batches = table.batches(&selection).map_err(|e| table.blame(e))?;
    let scan = Scan {
        batches: &*batches,
        threads: 1,
        progress,
    };
    let shape = table.opened.table.shape().clone();
    let mut scratch = Scratch::default();
    let mut last = 0;
    let mut pass = |hit: Hit| {
        last = search.from + hit.number;
        // Of a long row of JSON only the beginning is made into a text.
        let row = match shape {
            Shape::Json => cut(&hit.text),
            _ => hit.text.as_slice(),
        };
        let json = row_json(&shape, row, &mut scratch);
        let json = String::from_utf8_lossy(cut(json.as_bytes())).into_owned();
        let searched = String::from_utf8_lossy(cut(hit.cell.as_deref().unwrap_or(&hit.text)));
        let spans = spans_of(&searched, &hit.spans);
        let shown = json!({"number": last, "json": json, "text": searched, "spans": spans});
        each(shown.to_string());
        Ok::<_, TableError>(())
    };
    let found = find_matches(&scan, &pattern, limit, &mut pass).map_err(|e| table.blame(e))?;
    let next = (found.matches == limit).then_some(last + 1);
    Ok(json!({
        "matches": found.matches, "rows": found.rows, "more": next.is_some(), "next": next,
    }))
}

fn cut(text: &[u8]) -> &[u8] {
    text.get(..LISTED_ROW_BYTES_MAX).unwrap_or(text)
}

/// Returns ranges of bytes as ranges of JavaScript's characters.
fn spans_of(text: &str, spans: &[(usize, usize)]) -> Vec<[usize; 2]> {
    let at = |end: usize| {
        let front = text.get(..end)?;
        Some(front.encode_utf16().count())
    };
    let shown = spans.iter().take(100);
    shown
        .filter_map(|(from, to)| Some([at(*from)?, at(*to)?]))
        .collect()
}

/// Returns a regular expression for a text as it is.
fn escaped(text: &str) -> String {
    let mut made = String::new();
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            made.push('\\');
        }
        made.push(c);
    }
    made
}

/// Options of a search for faults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Lint {
    examples: Option<usize>,
}

/// Finds faults, with the JSON of `inspect lint --json`.
///
/// # Errors
/// [`Failure`] if the rows cannot be read.
pub(crate) fn faults(
    table: &OpenTable,
    request: &str,
    progress: &dyn Progress,
) -> Result<Value, Failure> {
    let lint_request: Lint = match request {
        "" => Lint::default(),
        some => serde_json::from_str(some)?,
    };
    let mut options = LintOptions::default();
    options.examples = lint_request.examples.unwrap_or(5).min(100);
    progress.phase("looking over rows", Some(table.bytes()));
    let batches = table
        .batches(&Selection::default())
        .map_err(|e| table.blame(e))?;
    let mut report = lint(&*batches, &options, progress).map_err(|e| table.blame(e))?;
    let is_array = table.opened.format.format == Format::JsonArray;
    if report.checked == 0 && table.name.to_ascii_lowercase().ends_with(".json") && !is_array {
        report.miss_value();
    }
    for name in table.opened.repeated_names() {
        let message = format!("the name `{name}` is there twice");
        report.note_file(RuleId::DuplicateColumn, Some(&name), &message);
    }
    for name in table.opened.names_not_utf8() {
        let message = format!("the name `{name}` in the header is not UTF-8");
        report.note_file(RuleId::BadUtf8, Some(name), &message);
    }
    Ok(report_json(&report))
}

fn report_json(report: &LintReport) -> Value {
    let rule = |r: &alimentar::inspect::lint::RuleReport| {
        let example = |e: &alimentar::inspect::lint::Example| {
            json!({
                "n": e.row, "byte": e.at, "line": e.place.line, "column": e.place.column,
                "field": e.column, "message": e.message, "excerpt": e.excerpt,
            })
        };
        json!({
            "rule": r.rule.name, "severity": r.severity.to_string(), "count": r.count,
            "examples": r.examples.iter().map(example).collect::<Vec<_>>(),
            "summary": r.rule.short, "help": r.rule.help,
        })
    };
    json!({
        "checked": report.checked, "errors": report.errors, "warnings": report.warnings,
        "notes": report.notes, "rules": report.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}
