//! Changes of a directory against a dataset, for `status` and `diff`.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::printable;
use crate::registry::Change;
use crate::registry::ChangeKind;
use crate::registry::StatusReport;

#[derive(Serialize)]
struct ChangesOutput<'a> {
    dataset: &'a str,
    version: &'a str,
    content_id: String,
    root: String,
    part: &'a str,
    unfinished: bool,
    changes: Vec<ChangeObject<'a>>,
    #[serde(flatten)]
    sides: Option<&'a Sides>,
}

/// The sides of a comparison: a dataset, and a directory that has no id.
#[derive(Serialize)]
pub(crate) struct Sides {
    pub a: String,
    pub b: (),
}

#[derive(Serialize)]
struct ChangeObject<'a> {
    path: &'a str,
    status: &'static str,
    size_before: Option<u64>,
    size_now: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
}

impl<'a> ChangeObject<'a> {
    fn of(change: &'a Change) -> Self {
        Self {
            path: &change.path,
            status: change.kind.name(),
            size_before: change.size_before,
            size_now: change.size_now,
            from: change.from.as_deref(),
        }
    }
}

/// Prints the changes of a directory. With `exit_code`, changes are a failure.
///
/// # Errors
/// [`Failure::Differs`].
pub(crate) fn print_changes(
    ctx: &Context,
    report: &StatusReport,
    sides: Option<&Sides>,
    exit_code: bool,
) -> Result<(), Failure> {
    let output = ChangesOutput {
        dataset: &report.name,
        version: &report.version,
        content_id: report.dataset.to_string(),
        root: report.root.to_string_lossy().into_owned(),
        part: &report.part,
        unfinished: report.is_unfinished,
        changes: report.changes.iter().map(ChangeObject::of).collect(),
        sides,
    };
    let paths: Vec<String> = report.changes.iter().map(|c| printable(&c.path)).collect();
    let text = printable(&format_changes(report));
    ctx.out.result(&output, &paths, &text)?;
    if exit_code && !report.changes.is_empty() {
        return Err(Failure::Differs);
    }
    Ok(())
}

fn format_changes(report: &StatusReport) -> String {
    let part = match report.part.as_str() {
        "" => String::new(),
        part => format!(":{part}"),
    };
    let mut text = format!(
        "{}@{}{part}  alimentar:{}\n",
        report.name,
        report.version,
        report.dataset.short()
    );
    if report.is_unfinished {
        text += "An update was interrupted; run `registry checkout REF DIR --update` again\n";
    }
    if report.changes.is_empty() {
        text += "Nothing changed\n";
    }
    for change in &report.changes {
        let letter = match change.kind {
            ChangeKind::Added => 'A',
            ChangeKind::Removed => 'D',
            ChangeKind::Renamed => 'R',
            _ => 'M',
        };
        let path = match &change.from {
            Some(from) => format!("{from} -> {}", change.path),
            None => change.path.clone(),
        };
        text += &printable(&format!("{letter}  {path}\n"));
    }
    text
}
