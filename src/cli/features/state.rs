//! Tables as text and JSON.

use serde::Serialize;

use crate::cli::output::out::Out;
use crate::cli::output::text::human_bytes;
use crate::clock::Timestamp;
use crate::features::serving::TableState;

/// A table in the result of a command.
#[derive(Serialize)]
pub(super) struct TableObject {
    pub(super) name: String,
    rows: u64,
    bytes: u64,
    partition: Option<String>,
    content_id: Option<String>,
    publisher: Option<String>,
    loaded_at: Option<String>,
    checked_at: Option<String>,
    failure: Option<String>,
}

/// Returns a time in microseconds as text.
pub(super) fn time_text(micros: i64) -> String {
    Timestamp(micros.div_euclid(1_000_000)).to_rfc3339()
}

impl From<TableState> for TableObject {
    fn from(state: TableState) -> Self {
        let origin = state.origin;
        Self {
            name: state.name,
            rows: state.rows,
            bytes: state.bytes,
            loaded_at: origin.as_ref().map(|o| time_text(o.loaded_at)),
            partition: origin.as_ref().and_then(|o| o.partition.clone()),
            content_id: origin.as_ref().and_then(|o| o.content_id.clone()),
            publisher: origin.and_then(|o| o.publisher),
            checked_at: state.checked_at.map(time_text),
            failure: state.failure,
        }
    }
}

/// Formats tables as a table.
pub(super) fn text_of<'a>(out: Out, tables: impl Iterator<Item = &'a TableObject>) -> String {
    let rows: Vec<Vec<String>> = tables
        .map(|table| {
            let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            vec![
                table.name.clone(),
                or_dash(&table.partition),
                table.rows.to_string(),
                human_bytes(table.bytes),
                or_dash(&table.loaded_at),
            ]
        })
        .collect();
    out.table(&["TABLE", "PARTITION", "ROWS", "SIZE", "LOADED"], &rows)
}
