//! The result of commands that change edits.

use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::output::out::Out;
use crate::cli::output::text::printable;
use crate::inspect::edits::EditCounts;

/// The numbers of edits and of rows that differ.
#[derive(Clone, Serialize)]
pub(super) struct CountsObject {
    edits: u64,
    rows_changed: u64,
    rows_deleted: u64,
    rows_inserted: u64,
}

impl From<EditCounts> for CountsObject {
    fn from(counts: EditCounts) -> Self {
        Self {
            edits: counts.edits,
            rows_changed: counts.rows_changed,
            rows_deleted: counts.rows_deleted,
            rows_inserted: counts.rows_inserted,
        }
    }
}

#[derive(Serialize)]
struct EditOutput<'a> {
    target: &'a str,
    #[serde(flatten)]
    counts: CountsObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_fixed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_left: Option<u64>,
}

/// The numbers in words.
pub(super) fn counts_text(counts: &EditCounts) -> String {
    format!(
        "{} edit(s): {} rows changed, {} deleted, {} inserted",
        counts.edits, counts.rows_changed, counts.rows_deleted, counts.rows_inserted
    )
}

/// Prints the edits after a change. `fixed` are the rows that fixes mended and left.
pub(super) fn print(
    out: Out,
    target: &str,
    counts: EditCounts,
    fixed: Option<(u64, u64)>,
) -> Result<(), Failure> {
    let output = EditOutput {
        target,
        counts: counts.into(),
        rows_fixed: fixed.map(|(fixed, _)| fixed),
        rows_left: fixed.map(|(_, left)| left),
    };
    let mut text = format!("{}  {}\n", printable(target), counts_text(&counts));
    if let Some((fixed, left)) = fixed {
        text += &format!("  {fixed} rows mended, {left} have faults without a certain mend\n");
    }
    Ok(out.result(&output, &[counts.edits.to_string()], &text)?)
}
