//! `search_dataset`: the rows that a regular expression matches.

use serde_json::json;

use crate::inspect::lint::mask_secrets;
use crate::inspect::search::Hit;
use crate::inspect::search::Pattern;
use crate::inspect::search::PatternOptions;
use crate::inspect::search::count_matches;
use crate::inspect::search::find_matches;
use crate::inspect::table::Selection;
use crate::mcp::answer::Answer;
use crate::mcp::answer::Page;
use crate::mcp::answer::Row;
use crate::mcp::cursor::CursorScope;
use crate::mcp::error::ToolError;
use crate::mcp::limits::ROW_BYTES;
use crate::mcp::limits::ROWS_MAX;
use crate::mcp::rows::RawRow;
use crate::mcp::rows::answer_row;
use crate::mcp::tools::arguments::Arguments;
use crate::mcp::tools::scans::ScanError;
use crate::mcp::tools::scans::require_columns;
use crate::mcp::tools::scans::with_scan;
use crate::mcp::work::Work;
use crate::mcp::workspace::Workspace;

/// Bytes shown around the first match of a row.
const AROUND: usize = 100;
/// Matches whose places are listed.
const SPANS_MAX: usize = 16;

/// Returns the rows that match, from the first one or from a cursor on.
pub(crate) fn search_dataset(
    workspace: &Workspace,
    arguments: &Arguments,
    work: &Work,
) -> Result<Answer, ToolError> {
    let open = workspace.target(arguments.text("target")?)?;
    let pattern = pattern(arguments)?;
    let columns: Vec<String> = pattern_column(arguments)?;
    require_columns(&open, &columns, work)?;
    let question = arguments.question(&["cursor", "limit", "max_chars"]);
    if arguments.flag("count_only")? {
        let key = format!("search {} {question}", open.identity);
        return workspace.remembered(key, || {
            let selection = Selection {
                columns: columns.clone(),
                ..Selection::default()
            };
            let found = with_scan(&open, &selection, "searching", work, |scan| {
                Ok(count_matches(scan, &pattern)?)
            })?;
            Ok(Answer::of(json!({
                "target": open.name,
                "matches": found.matches,
                "matches_are_exact": true,
                "rows_scanned": found.rows,
                "returned": 0,
                "rows": [],
            })))
        });
    }
    let scope = CursorScope::new(&open.identity, &question);
    let from = match arguments.text("cursor")? {
        Some(cursor) => scope.position(cursor)?,
        None => 0,
    };
    let limit = arguments.count("limit", 20, ROWS_MAX)?.max(1);
    let selection = Selection {
        from,
        columns,
        ..Selection::default()
    };
    let mut rows: Vec<Row> = Vec::new();
    let mut after = None;
    let found = with_scan(&open, &selection, "searching", work, |scan| {
        find_matches::<ScanError>(scan, &pattern, limit + 1, &mut |hit| {
            let n = from + hit.number;
            if rows.len() as u64 == limit {
                after = Some(n);
            } else {
                rows.push(hit_row(workspace, n, hit));
            }
            Ok(())
        })
    })?;
    let value = json!({
        "target": open.name,
        "matches": rows.len(),
        "matches_are_exact": after.is_none() && from == 0,
        "rows_scanned": found.rows,
    });
    Ok(Answer {
        value: Answer::of(value).value,
        page: Some(Page {
            rows,
            scope,
            after,
            target: open.name.clone(),
        }),
    })
}

fn pattern(arguments: &Arguments) -> Result<Pattern, ToolError> {
    let options = PatternOptions {
        ignores_case: arguments.flag("ignore_case")?,
        column: arguments.text("column")?.map(str::to_owned),
        is_inverted: arguments.flag("invert")?,
    };
    let text = match arguments.text("query")? {
        Some(query) => query,
        None => arguments.required("pattern")?,
    };
    Pattern::new(text, options).map_err(|error| {
        ToolError::new(format!("the pattern is not understood: {error}")).with_next(
            "search_dataset with special characters such as ( [ . escaped by a backslash",
        )
    })
}

fn pattern_column(arguments: &Arguments) -> Result<Vec<String>, ToolError> {
    Ok(arguments
        .text("column")?
        .map(str::to_owned)
        .into_iter()
        .collect())
}

fn hit_row(workspace: &Workspace, n: u64, hit: Hit) -> Row {
    let searched = hit.cell.as_deref().unwrap_or(&hit.text);
    let excerpt = hit.spans.first().map(|(start, end)| {
        let from = start.saturating_sub(AROUND);
        let to = end
            .saturating_add(AROUND)
            .min(searched.len())
            .min(from + 4 * AROUND);
        String::from_utf8_lossy(searched.get(from..to).unwrap_or_default()).into_owned()
    });
    let excerpt = excerpt.map(|text| match workspace.options.show_secrets {
        true => text,
        false => mask_secrets(&text).unwrap_or(text),
    });
    let spans: Vec<(usize, usize)> = hit.spans.iter().copied().take(SPANS_MAX).collect();
    let cut = hit
        .text
        .get(..hit.text.len().min(ROW_BYTES))
        .unwrap_or_default();
    let raw = RawRow {
        n,
        text: String::from_utf8_lossy(cut).into_owned(),
        bytes: hit.text.len() as u64,
    };
    let mut row = answer_row(workspace, raw, n);
    if let Some(excerpt) = excerpt {
        row.extra.insert("match".to_owned(), json!(excerpt));
    }
    row.extra.insert("spans".to_owned(), json!(spans));
    row
}
