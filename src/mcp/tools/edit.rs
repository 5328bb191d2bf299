//! `edit_rows`: changes of rows, kept beside the data. Normative: `spec/edits.md`.

use std::io::Cursor;

use serde_json::json;

use crate::inspect::edits::ValueForm;
use crate::inspect::lint::mend::Mend;
use crate::mcp::answer::Answer;
use crate::mcp::answer::Page;
use crate::mcp::answer::Row;
use crate::mcp::client_config::quoted;
use crate::mcp::cursor::CursorScope;
use crate::mcp::error::ToolError;
use crate::mcp::limits::ROW_BYTES;
use crate::mcp::limits::ROWS_MAX;
use crate::mcp::rows::answer_row;
use crate::mcp::rows::read_rows;
use crate::mcp::tools::arguments::Arguments;
use crate::mcp::work::Work;
use crate::mcp::workspace::OpenTarget;
use crate::mcp::workspace::Workspace;
use crate::registry::CellChange;
use crate::registry::EditError;
use crate::registry::EditSession;
use crate::registry::Error;
use crate::registry::Target;
use crate::registry::TargetError;
use crate::registry::parse_row_ranges;

/// Rows of a result, as they are after the edit.
const SHOWN_ROWS: usize = 20;
/// Labels of the newest edits in a result.
const LOG_MAX: usize = 20;
/// The kinds of changes, by the names of their arguments.
const KINDS: [&str; 5] = ["set", "delete", "insert", "fix", "undo"];

/// One kind of change.
enum Change {
    Set(Vec<CellChange>),
    Delete(Vec<(u64, u64)>),
    Insert { at: u64, rows: Vec<String> },
    Fix(Vec<(String, Mend)>),
    Undo(usize),
}

/// The effect of a change.
#[derive(Default)]
struct Done {
    /// Rows to show, ascending.
    shown: Vec<u64>,
    /// Rows that fixes mended, and rows that they left.
    fixed: Option<(u64, u64)>,
}

/// Makes a change, or rehearses it, and returns the edits of the target.
pub(crate) fn edit_rows(
    workspace: &Workspace,
    arguments: &Arguments,
    work: &Work,
) -> Result<Answer, ToolError> {
    let change = change_of(arguments)?;
    let is_rehearsal = arguments.flag("dry_run")?;
    let open = workspace.target(arguments.text("target")?)?;
    let home = &workspace.options.home;
    let session = match is_rehearsal {
        true => EditSession::rehearse(open.target.clone(), home),
        false => EditSession::of_target(open.target.clone(), home, work),
    };
    let mut session = session.map_err(|e| edit_error(e, &open.name))?;
    let before = session.counts()?.edits;
    let done = make(&mut session, &change, workspace, work);
    let done = done.map_err(|e| edit_error(e, &open.name))?;
    let counts = session.counts()?;
    let log: Vec<&str> = session.labels().rev().take(LOG_MAX).collect();
    let undo = match (&change, is_rehearsal) {
        (Change::Undo(_), _) | (_, true) => None,
        _ => counts.edits.checked_sub(before).filter(|made| *made > 0),
    };
    let undo = undo.map(|n| format!("edit_rows {}", json!({"target": open.name, "undo": n})));
    let name = quoted(&open.name);
    let mut value = json!({
        "target": open.name,
        "dry_run": is_rehearsal,
        "edits": counts.edits,
        "rows_changed": counts.rows_changed,
        "rows_deleted": counts.rows_deleted,
        "rows_inserted": counts.rows_inserted,
        "undo": undo,
        "log": log.into_iter().rev().collect::<Vec<&str>>(),
        "kept": match is_rehearsal {
            true => "Nothing was kept: this is a rehearsal.".to_owned(),
            false => format!(
                "The data is unchanged. `alimentar inspect edits list {name}` lists the edits; \
                 `undo`, `redo` and `discard` take them back, `apply -o FILE` writes the result."
            ),
        },
    });
    if let (Some((fixed, left)), Some(fields)) = (done.fixed, value.as_object_mut()) {
        fields.insert("rows_fixed".to_owned(), json!(fixed));
        fields.insert("rows_left".to_owned(), json!(left));
    }
    let rows = rows_after(workspace, &session, &done.shown, work)?;
    let mut answer = Answer::of(value);
    answer.page = (!rows.is_empty()).then(|| Page {
        rows,
        scope: CursorScope::new(&open.identity, "edit_rows"),
        after: None,
        target: open.name.clone(),
    });
    Ok(answer)
}

/// Reads the one change of a call.
fn change_of(arguments: &Arguments) -> Result<Change, ToolError> {
    let given: Vec<&str> = KINDS
        .into_iter()
        .filter(|name| arguments.has(name))
        .collect();
    let [kind] = given.as_slice() else {
        let why = match given.is_empty() {
            true => "there is nothing to change".to_owned(),
            false => format!("{} exclude each other", given.join(" and ")),
        };
        return Err(ToolError::new(why).with_next(format!(
            "edit_rows with one of {}; several cells are one `set`",
            KINDS.join(", ")
        )));
    };
    for (name, wanted) in [("as", "set"), ("at", "insert")] {
        if arguments.has(name) && *kind != wanted {
            return Err(ToolError::new(format!("`{name}` goes with `{wanted}`")));
        }
    }
    Ok(match *kind {
        "set" => Change::Set(cells(arguments)?),
        "delete" => Change::Delete(
            parse_row_ranges(arguments.required("delete")?)
                .map_err(|why| ToolError::new(format!("`delete`: {why}")))?,
        ),
        "insert" => {
            let at = || ToolError::new("`at` is missing: the row in front of which they stand");
            if !arguments.has("at") {
                return Err(at().with_next("`at` 0 is the front; the number of rows is the end"));
            }
            Change::Insert {
                at: arguments.count("at", 0, u64::MAX)?,
                rows: some_texts(arguments, "insert")?,
            }
        }
        "fix" => Change::Fix(mends(some_texts(arguments, "fix")?)?),
        _ => Change::Undo(usize::try_from(arguments.count("undo", 1, u64::MAX)?).unwrap_or(0)),
    })
}

fn some_texts(arguments: &Arguments, name: &str) -> Result<Vec<String>, ToolError> {
    let texts = arguments.texts(name)?;
    match texts.len() as u64 {
        0 => Err(ToolError::new(format!("`{name}` is empty"))),
        1..=ROWS_MAX => Ok(texts),
        _ => Err(
            ToolError::new(format!("`{name}` has more than {ROWS_MAX} items"))
                .with_next("several calls of edit_rows"),
        ),
    }
}

fn cells(arguments: &Arguments) -> Result<Vec<CellChange>, ToolError> {
    let form = match arguments.text("as")? {
        None | Some("cell") => ValueForm::OfCell,
        Some("json") => ValueForm::Json,
        Some("text") => ValueForm::Text,
        Some(other) => {
            return Err(ToolError::new(format!("there is no form `{other}`"))
                .with_next("use cell, json or text as `as`"));
        }
    };
    let texts = some_texts(arguments, "set")?;
    let changes = texts.iter().map(|text| {
        CellChange::parse(text, form).map_err(|why| {
            let shown: String = text.chars().take(60).collect();
            ToolError::new(format!("`{shown}` in `set`: {why}"))
        })
    });
    changes.collect()
}

fn mends(names: Vec<String>) -> Result<Vec<(String, Mend)>, ToolError> {
    let named = names.into_iter().map(|name| {
        let mend = Mend::named(&name).ok_or_else(|| {
            ToolError::new(format!("`{name}` has no certain mend"))
                .with_next(format!("`fix` with some of {}", Mend::names().join(", ")))
        })?;
        Ok((name, mend))
    });
    named.collect()
}

fn make(
    session: &mut EditSession,
    change: &Change,
    workspace: &Workspace,
    work: &Work,
) -> Result<Done, Error> {
    let mut done = Done::default();
    match change {
        Change::Set(changes) => {
            session.set(changes, work)?;
            done.shown = changes.iter().map(|change| change.row).collect();
            done.shown.sort_unstable();
            done.shown.dedup();
        }
        Change::Delete(ranges) => session.delete(ranges, work)?,
        Change::Insert { at, rows } => {
            // Line breaks between the tokens of a row would end it.
            let rows: Vec<String> = rows.iter().map(|r| r.replace(['\n', '\r'], " ")).collect();
            let mut lines = Cursor::new(rows.join("\n").into_bytes());
            let from = Target::of_stream("insert.jsonl", &mut lines, &workspace.options.home)?;
            let count = session.insert(&from, *at, work)?;
            done.shown = (0..count).map(|n| at + n).take(SHOWN_ROWS).collect();
        }
        Change::Fix(mends) => {
            let mut sum = (0, 0);
            for (name, mend) in mends {
                let report = session.fix((name.as_str(), *mend), work)?;
                sum = (sum.0 + report.fixed, sum.1 + report.left);
            }
            done.fixed = Some(sum);
        }
        Change::Undo(edits) => session.undo(*edits, work)?,
    }
    done.shown.truncate(SHOWN_ROWS);
    Ok(done)
}

/// Reads rows as they are after the edit.
fn rows_after(
    workspace: &Workspace,
    session: &EditSession,
    shown: &[u64],
    work: &Work,
) -> Result<Vec<Row>, ToolError> {
    let edited = OpenTarget::unindexed(session.target().clone());
    let mut rows = Vec::new();
    for number in shown {
        let found = read_rows(&edited, *number, 1, ROW_BYTES, work)?;
        rows.extend(
            found
                .rows
                .into_iter()
                .map(|raw| answer_row(workspace, raw, *number)),
        );
    }
    Ok(rows)
}

/// Returns an error of an edit with the call that helps.
fn edit_error(error: Error, target: &str) -> ToolError {
    let name = quoted(target);
    let next = match &error {
        Error::Edit(EditError::NoRow { .. }) => {
            "get_lines shows the rows as they are numbered now".to_owned()
        }
        Error::Edit(EditError::BaseChanged { .. } | EditError::Journal { .. }) => format!(
            "a person looks at `alimentar inspect edits list {name}`, and brings the old bytes back or \
             discards the edits"
        ),
        Error::Edit(EditError::Cell { .. }) => {
            "`as` json or text says how the value is written; dataset_schema lists the columns"
                .to_owned()
        }
        Error::Edit(EditError::TooFew { .. }) => "edit_rows with a smaller `undo`".to_owned(),
        Error::Edit(EditError::TooLong { .. }) => "several calls of edit_rows".to_owned(),
        Error::Target(TargetError::NoSuchColumn { .. }) => {
            "dataset_schema lists the columns; nested ones are written a.0.b".to_owned()
        }
        _ => return error.into(),
    };
    ToolError::from(error).with_next(next)
}
