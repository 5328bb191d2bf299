//! One row, with each of its fields in whole.

use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::limits::FIELD_CHARS_MAX;
use crate::doors::page::rows::read::FoundRow;
use crate::doors::page::rows::read::FoundRows;
use crate::doors::page::rows::read::Value;
use crate::doors::page::rows::table::beginning;
use crate::doors::page::rows::table::more;
use crate::doors::page::rows::table::more_columns;

/// Writes the fields of a row.
pub(in crate::doors::page) fn record(h: &mut Html, found: &FoundRows, row: &FoundRow) {
    h.element("dl", &[At::Lit("class", "record")], |h| {
        for (at, value) in &row.cells {
            let name = found.columns.get(*at).map_or("", String::as_str);
            h.leaf("dt", &[], name);
            h.element("dd", &[], |h| self::value(h, value));
        }
    });
    more_columns(h, found);
}

fn value(h: &mut Html, value: &Value) {
    let (text, is_code) = match value {
        Value::Null => {
            h.literal("<span class=\"null\">null</span>");
            return;
        }
        Value::Bool(true) => ("true".to_owned(), false),
        Value::Bool(false) => ("false".to_owned(), false),
        Value::Number(text) | Value::Text(text) => (text.clone(), false),
        Value::Nested(text) => (indented(text), true),
    };
    let (shown, left_out) = beginning(&text, FIELD_CHARS_MAX);
    let name = if is_code { "code" } else { "span" };
    h.leaf(name, &[At::Lit("class", "whole")], shown);
    more(h, left_out);
}

/// Returns JSON on several lines, as far as it is JSON.
fn indented(text: &str) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let shown = parsed.and_then(|value| serde_json::to_string_pretty(&value).ok());
    shown.unwrap_or_else(|| text.to_owned())
}
