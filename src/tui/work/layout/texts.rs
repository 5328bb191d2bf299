//! A record as text: as it is, by its columns, or cut into tokens.

use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::inspect::tokens::Encoding;
use crate::tui::document::DocumentError;
use crate::tui::limits::RECORD_LINES_MAX;
use crate::tui::limits::STRING_BYTES_MAX;
use crate::tui::pane::Line;
use crate::tui::pane::Token;
use crate::tui::pane::Tone;
use crate::tui::text::width_within;
use crate::tui::work::layout::wrapping::add_wrapped;

/// Lays a text out in lines of a width.
pub(super) fn wrapped(text: &str, width: u16, tone: Tone) -> Vec<Line> {
    let mut lines = Vec::new();
    add_wrapped(&mut lines, text, (0, width), tone);
    lines
}

/// Lays the texts of a row out under the names of their columns.
pub(super) fn by_column(shape: &Shape, row: &[u8], width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut scratch = Scratch::default();
    let (mut inner, mut out) = (Scratch::default(), Vec::new());
    let is_whole = shape.each_cell(row, &mut scratch, &mut |name, cell| {
        if lines.len() >= RECORD_LINES_MAX {
            return;
        }
        if *shape != Shape::Text {
            lines.push(Line::of(Tone::Title, name));
        }
        let bytes = match cell {
            // The texts of nested values, without their keys.
            Cell::Nested(raw) => {
                out.clear();
                Shape::Json.text_into(raw, &[], &mut inner, &mut out);
                out.as_slice()
            }
            cell => cell.bytes(),
        };
        let text = crate::tui::text::lossy(bytes, STRING_BYTES_MAX);
        add_wrapped(&mut lines, &text, (0, width), Tone::Plain);
        lines.push(Line::default());
    });
    if !is_whole {
        lines.push(Line::of(
            Tone::Error,
            "the rest of this row is broken: `w` shows its bytes",
        ));
    }
    lines
}

/// Cuts a text into tokens, and lays them out.
pub(super) fn tokens(text: &str, width: u16) -> Result<(Vec<Line>, Vec<Token>), DocumentError> {
    let encoding = Encoding::O200kBase;
    let found = encoding.tokens(text)?;
    let (mut lines, mut tokens) = (Vec::new(), Vec::new());
    let (mut line, mut used, mut at) = (Line::default(), 0, 0);
    for (id, bytes) in found {
        let raw = text.as_bytes().get(at..at + bytes).unwrap_or_default();
        at += bytes;
        let number = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
        let shown = String::from_utf8_lossy(raw);
        let wide = width_within(&shown, width);
        if used + wide > width && used > 0 {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        tokens.push(Token {
            id,
            bytes: raw.iter().take(16).map(|b| format!("{b:02x}")).collect(),
            line: lines.len(),
        });
        line.push(Tone::Token(number), shown.into_owned());
        used += wide;
        if raw.contains(&b'\n') {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
    }
    if !line.parts.is_empty() {
        lines.push(line);
    }
    Ok((lines, tokens))
}
