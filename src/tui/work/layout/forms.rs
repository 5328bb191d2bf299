//! A record in the form that was asked for.

use crate::inspect::chat::has_chat;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::tui::document::CancelToken;
use crate::tui::document::Document;
use crate::tui::document::DocumentError;
use crate::tui::document::RowPlace;
use crate::tui::job::AnswerBody;
use crate::tui::job::RecordForm;
use crate::tui::limits::RECORD_BYTES_MAX;
use crate::tui::limits::RECORD_LINES_MAX;
use crate::tui::limits::TOKEN_BYTES_MAX;
use crate::tui::pane::Line;
use crate::tui::pane::PaneText;
use crate::tui::pane::Tone;
use crate::tui::text::human_bytes;
use crate::tui::text::lossy;
use crate::tui::work::layout::chat;
use crate::tui::work::layout::texts;
use crate::tui::work::layout::tree;

/// Reads a record and lays it out.
pub(in crate::tui::work) fn record(
    document: &Document,
    place: RowPlace,
    (form, width): (RecordForm, u16),
    column: Option<&str>,
    cancel: &CancelToken,
) -> Result<AnswerBody, DocumentError> {
    let (text, bytes) = document.text_at(place, RECORD_BYTES_MAX, cancel)?;
    let file = document.file(place.file)?;
    let mut pane = lay_out(&file.layout().shape, &text, (form, width), column)?;
    if bytes > text.len() as u64 {
        let more = human_bytes(bytes - text.len() as u64);
        let line = Line::of(Tone::Warning, format!("… {more} more are not shown"));
        pane.lines.push(line);
    }
    pane.lines.truncate(RECORD_LINES_MAX);
    Ok(AnswerBody::Record(Box::new(pane)))
}

/// Lays a row out for a width.
fn lay_out(
    shape: &Shape,
    text: &[u8],
    (form, width): (RecordForm, u16),
    column: Option<&str>,
) -> Result<PaneText, DocumentError> {
    let is_chat = *shape == Shape::Json && has_chat(text);
    let mut pane = PaneText {
        is_chat,
        ..PaneText::default()
    };
    match form {
        RecordForm::Chat if is_chat => pane.lines = chat::lines(text, width),
        RecordForm::Chat => {
            pane.lines = tree::lines(shape, text, width);
            pane.lines
                .insert(0, Line::of(Tone::Quiet, "this record has no messages"));
        }
        RecordForm::Tree => pane.lines = tree::lines(shape, text, width),
        RecordForm::Raw => {
            pane.lines = texts::wrapped(&lossy(text, text.len()), width, Tone::Plain)
        }
        RecordForm::Text => pane.lines = texts::by_column(shape, text, width),
        RecordForm::Tokens => {
            let content = content(shape, text, column);
            (pane.lines, pane.tokens) = texts::tokens(&content, width)?;
        }
    }
    if pane.lines.is_empty() {
        pane.lines.push(Line::of(Tone::Quiet, "this row is empty"));
    }
    Ok(pane)
}

/// Returns the text that is cut into tokens: that of a column, or all texts of a row.
fn content(shape: &Shape, row: &[u8], column: Option<&str>) -> String {
    let mut scratch = Scratch::default();
    let mut out = Vec::new();
    let columns: Vec<String> = column.map(str::to_owned).into_iter().collect();
    shape.text_into(row, &columns, &mut scratch, &mut out);
    if out.is_empty() && column.is_some() {
        shape.text_into(row, &[], &mut scratch, &mut out);
    }
    if out.is_empty() {
        return lossy(row, TOKEN_BYTES_MAX);
    }
    lossy(&out, TOKEN_BYTES_MAX)
}
