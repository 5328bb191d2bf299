//! Cells of a row: clipped texts by column. A cut or broken cell shows its readable part.

use std::collections::BTreeSet;

use crate::inspect::json::Event;
use crate::inspect::json::Scanner;
use crate::inspect::json::Text;
use crate::inspect::json::Value;
use crate::inspect::json::ValueKind;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::inspect::table::VALUE_COLUMN;
use crate::tui::limits::CELL_BYTES_MAX;
use crate::tui::limits::CELLS_MAX;
use crate::tui::text::lossy;

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CellText {
    /// Name of its column; keys of expanded columns are joined by dots.
    pub column: String,
    pub kind: CellKind,
    /// The beginning of its text.
    pub text: String,
    /// True if `text` is not all of it.
    pub is_cut: bool,
}

/// Kind of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellKind {
    Null,
    Bool,
    Number,
    Text,
    /// An array or an object.
    Nested,
    /// The rest of a row that is not what it should be.
    Broken,
}

/// Takes a row apart. Returns its cells, and whether the row is broken.
pub(super) fn cells_of(
    shape: &Shape,
    row: &[u8],
    is_cut: bool,
    expanded: &BTreeSet<String>,
) -> (Vec<CellText>, bool) {
    let mut cells = Vec::new();
    if *shape == Shape::Json {
        if row.trim_ascii().is_empty() {
            return (cells, false);
        }
        let is_whole = members(row, "", expanded, &mut cells);
        return (cells, !is_whole && !is_cut);
    }
    let mut scratch = Scratch::default();
    let is_whole = shape.each_cell(row, &mut scratch, &mut |name, cell| {
        if cells.len() < CELLS_MAX {
            cells.push(cell_of(name.to_owned(), cell));
        }
    });
    (cells, !is_whole && !is_cut)
}

fn cell_of(column: String, cell: Cell<'_>) -> CellText {
    let kind = match cell {
        Cell::Null => CellKind::Null,
        Cell::Bool(_) => CellKind::Bool,
        Cell::Number(_) => CellKind::Number,
        Cell::Text(text) if looks_like_number(text) => CellKind::Number,
        Cell::Text(_) => CellKind::Text,
        Cell::Nested(_) => CellKind::Nested,
    };
    let bytes = cell.bytes();
    CellText {
        column,
        kind,
        text: lossy(bytes, CELL_BYTES_MAX),
        is_cut: bytes.len() > CELL_BYTES_MAX,
    }
}

/// Returns true for a number in a record, which aligns to the right.
fn looks_like_number(text: &[u8]) -> bool {
    let is_short = !text.is_empty() && text.len() <= 32;
    let fits = |b: &u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    is_short && text.iter().any(u8::is_ascii_digit) && text.iter().all(fits)
}

/// Adds the members of an object; false if the text ends early or is no JSON.
fn members(
    text: &[u8],
    before: &str,
    expanded: &BTreeSet<String>,
    cells: &mut Vec<CellText>,
) -> bool {
    let mut scanner = Scanner::with_nan(text);
    match scanner.next_event() {
        Ok(Some(Event::Object)) => {}
        Ok(Some(_)) => {
            let mut scanner = Scanner::with_nan(text);
            let value = scanner.skip_value();
            let is_whole = matches!(value, Ok(Some(_))) && matches!(scanner.next_event(), Ok(None));
            cells.push(match value {
                Ok(Some(value)) if is_whole => json_cell(VALUE_COLUMN.to_owned(), &value),
                _ => rest(VALUE_COLUMN.to_owned(), text),
            });
            return is_whole;
        }
        _ => {
            cells.push(rest(VALUE_COLUMN.to_owned(), text));
            return false;
        }
    }
    let mut name = String::new();
    while cells.len() < CELLS_MAX {
        match scanner.next_event() {
            Ok(Some(Event::Key(key))) => {
                let _ = key.unescape_into(&mut name);
            }
            Ok(Some(Event::ObjectEnd)) => {
                return !before.is_empty() || matches!(scanner.next_event(), Ok(None));
            }
            _ => {
                // Without any member, the whole text is what is broken.
                let from = if cells.is_empty() { 0 } else { scanner.at() };
                let behind = text.get(from..).unwrap_or_default();
                cells.push(rest(column(before, ""), behind));
                return false;
            }
        }
        let column = column(before, &name);
        let at = scanner.at();
        match scanner.skip_value() {
            Ok(Some(value)) if value.kind == ValueKind::Object && expanded.contains(&column) => {
                members(value.raw, &column, expanded, cells);
            }
            Ok(Some(value)) => cells.push(json_cell(column, &value)),
            _ => {
                cells.push(rest(column, text.get(at..).unwrap_or_default()));
                return false;
            }
        }
    }
    true
}

fn column(before: &str, name: &str) -> String {
    let name: String = lossy(name.as_bytes(), CELL_BYTES_MAX);
    match before {
        "" => name,
        _ => format!("{before}.{name}"),
    }
}

/// The cell of a value that is cut or broken: the text as it is.
fn rest(column: String, text: &[u8]) -> CellText {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"\"").unwrap_or(text);
    CellText {
        column,
        kind: CellKind::Broken,
        text: lossy(text, CELL_BYTES_MAX),
        is_cut: text.len() > CELL_BYTES_MAX,
    }
}

fn json_cell(column: String, value: &Value<'_>) -> CellText {
    let kind = match value.kind {
        ValueKind::Null => CellKind::Null,
        ValueKind::Bool => CellKind::Bool,
        ValueKind::Number => CellKind::Number,
        ValueKind::String => CellKind::Text,
        ValueKind::Array | ValueKind::Object => CellKind::Nested,
    };
    let (text, is_cut) = match value.text() {
        Some(text) => unescaped(&text, CELL_BYTES_MAX),
        None => (
            lossy(value.raw, CELL_BYTES_MAX),
            value.raw.len() > CELL_BYTES_MAX,
        ),
    };
    CellText {
        column,
        kind,
        text,
        is_cut,
    }
}

/// Decodes the beginning of a JSON string. Returns whether it is cut.
pub(crate) fn unescaped(text: &Text<'_>, most: usize) -> (String, bool) {
    let is_cut = text.raw.len() > most;
    let mut raw = text.raw.get(..most.min(text.raw.len())).unwrap_or_default();
    if is_cut {
        // Neither an escape nor a pair of them is cut.
        let tail = raw.len().saturating_sub(12);
        if let Some(escape) = raw.get(tail..).and_then(|tail| memchr::memchr(b'\\', tail)) {
            raw = raw.get(..tail + escape).unwrap_or_default();
        }
    }
    if !text.is_escaped {
        return (lossy(text.raw, raw.len()), is_cut);
    }
    let begun = Text {
        raw,
        is_escaped: true,
    };
    let mut content = Vec::new();
    let _ = begun.content_into(&mut content);
    (lossy(&content, content.len()), is_cut)
}
