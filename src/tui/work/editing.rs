//! Jobs that change rows. The edits are kept beside the data.

use std::io::Cursor;

use crate::inspect::edits::ValueForm;
use crate::inspect::lint::mend::Mend;
use crate::registry::CellChange;
use crate::registry::EditSession;
use crate::registry::Target;
use crate::tui::document::DocumentError;
use crate::tui::document::counting::JobProgress;
use crate::tui::job::AnswerBody;
use crate::tui::job::Edit;
use crate::tui::text::count_of;
use crate::tui::text::grouped;
use crate::tui::work::Surroundings;
use crate::tui::work::reporter::Reporter;
use crate::tui::work::rows::open_facts;

/// Makes an edit, and opens the target as it is then.
pub(super) fn edit(
    around: &Surroundings,
    edit: Edit,
    (row, rows): (u64, usize),
    to: &Reporter,
) -> Result<AnswerBody, DocumentError> {
    let shown = around.document()?;
    let name = shown.target().name().to_owned();
    let progress = JobProgress {
        cancel: &to.cancel,
        done: &|bytes| to.advance(bytes),
    };
    let mut session = EditSession::open(&name, &around.home, &around.options, &progress)?;
    // The rows on the screen have the numbers of what was read, and not of what is there now.
    if !shown.is_of_present_files() || !session.is_of_rows_in(shown.target()) {
        return Err(DocumentError::Other(
            "it was edited elsewhere since it was read, so nothing was changed: `R` reads it anew"
                .to_owned(),
        ));
    }
    let said = match edit {
        Edit::Set { row, column, value } => {
            let change = CellChange {
                row,
                column,
                value,
                form: ValueForm::default(),
            };
            session.set(&[change], &progress)?;
            "changed".to_owned()
        }
        Edit::Delete(numbers) => {
            let ranges: Vec<(u64, u64)> = numbers.iter().map(|n| (*n, *n + 1)).collect();
            session.delete(&ranges, &progress)?;
            format!("{} deleted", count_of(numbers.len() as u64, "row"))
        }
        Edit::Insert { at, text } => {
            let mut line = Cursor::new(format!("{text}\n").into_bytes());
            let from = Target::of_stream("row.jsonl", &mut line, &around.home)?;
            session.insert(&from, at, &progress)?;
            "inserted".to_owned()
        }
        Edit::Fix(rule) => {
            let mend = Mend::named(&rule).ok_or_else(|| {
                let names = Mend::names().join(", ");
                DocumentError::Other(format!("no mend for `{rule}`; there are {names}"))
            })?;
            let report = session.fix((rule.as_str(), mend), &progress)?;
            format!(
                "{} mended, {} left",
                count_of(report.fixed, "row"),
                grouped(report.left)
            )
        }
        Edit::Undo => {
            session.undo(1, &progress)?;
            "taken back: `U` makes it again".to_owned()
        }
        Edit::Redo => {
            session.redo(1, &progress)?;
            "made again".to_owned()
        }
    };
    let edits = session.counts()?;
    drop(session);
    let facts = open_facts(around, &name, rows, to)?;
    let said = format!("{said} ({})", count_of(edits.edits, "edit"));
    Ok(AnswerBody::Edited {
        facts: Box::new(facts),
        row,
        said,
    })
}
