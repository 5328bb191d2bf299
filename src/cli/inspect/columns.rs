//! Checks of the columns of a target.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::inspect::scan::thread_count;
use crate::cli::output::out::Out;
use crate::inspect::table::UnreadColumn;
use crate::registry::ColumnNotes;
use crate::registry::Target;

/// A column that is left out, in JSON.
#[derive(Debug, Serialize)]
pub(super) struct LeftOutColumn {
    column: String,
    r#type: String,
}

impl LeftOutColumn {
    pub(super) fn all(unread: &[UnreadColumn]) -> Vec<Self> {
        let object = |c: &UnreadColumn| Self {
            column: c.name.clone(),
            r#type: c.kind.to_string(),
        };
        unread.iter().map(object).collect()
    }
}

/// Warns about columns with the same name, and about columns that cannot be read.
pub(super) fn warn_about_columns(out: Out, target: &Target) -> Result<ColumnNotes, Failure> {
    let notes = target.column_notes()?;
    for name in &notes.repeated {
        out.diagnostic(&format!(
            "warning: `{}` has `{name}` twice; the second is called `{name}_1`",
            target.name()
        ));
    }
    for name in &notes.not_utf8 {
        out.diagnostic(&format!(
            "warning: the name `{name}` in the header of `{}` is not UTF-8; `--encoding latin-1` reads it",
            target.name()
        ));
    }
    for (file, columns, fields) in &notes.wider {
        out.diagnostic(&format!(
            "warning: `{file}` has {columns} column(s), and records with up to {fields} fields; the \
             first further field is called `column_{}`, and `alimentar inspect lint` counts such records",
            columns + 1
        ));
    }
    for UnreadColumn { name, kind } in &notes.unread {
        out.diagnostic(&format!(
            "warning: column `{name}` of `{}` is left out: its type, {kind}, is not read",
            target.name()
        ));
    }
    Ok(notes)
}

/// Requires that the rows have these columns.
///
/// # Errors
/// `TargetError::NoSuchColumn`.
pub(super) fn require_columns(
    ctx: &Context,
    target: &Target,
    columns: &[String],
) -> Result<(), Failure> {
    let bar = ctx.progress_bar();
    Ok(target.require_columns(columns, thread_count(), &bar)?)
}
