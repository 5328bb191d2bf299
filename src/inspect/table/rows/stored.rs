//! Stored types: meanings of strings in rows of columnar files, whose types exceed those of JSON.

use std::sync::Arc;

use arrow_schema::DataType;
use arrow_schema::Fields;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::inspect::json::Event;
use crate::inspect::json::Scanner;

/// Stored type of a column's strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredType {
    /// Binary data in base64.
    Bytes,
    /// Dates and timestamps.
    Times,
}

/// A column with a stored type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredColumn {
    /// Path: keys with dots between them, and `[]` for array elements.
    pub path: String,
    /// Stored type of its strings.
    pub stored: StoredType,
}

/// Nesting limit of fields.
const LEVELS: usize = 16;
/// Limit of columns per file.
const COLUMNS_MAX: usize = 10_000;

/// Returns the columns of a schema with a stored type.
pub(in crate::inspect::table) fn stored_columns(fields: &Fields) -> Arc<[StoredColumn]> {
    let mut found = Vec::new();
    each_field("", fields, LEVELS, &mut found);
    found.into()
}

fn each_field(before: &str, fields: &Fields, levels: usize, found: &mut Vec<StoredColumn>) {
    for field in fields {
        let dot = if before.is_empty() { "" } else { "." };
        let path = format!("{before}{dot}{}", field.name());
        below(path, field.data_type(), levels, found);
    }
}

fn below(path: String, kind: &DataType, levels: usize, found: &mut Vec<StoredColumn>) {
    if levels == 0 || found.len() >= COLUMNS_MAX {
        return;
    }
    let stored = match kind {
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => StoredType::Bytes,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => StoredType::Times,
        DataType::Struct(fields) => return each_field(&path, fields, levels - 1, found),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => {
            return below(format!("{path}[]"), item.data_type(), levels - 1, found);
        }
        DataType::Dictionary(_, values) => return below(path, values, levels - 1, found),
        DataType::RunEndEncoded(_, values) => {
            return below(path, values.data_type(), levels - 1, found);
        }
        _ => return,
    };
    found.push(StoredColumn { path, stored });
}

/// Returns the number of bytes that a base64 text encodes.
pub(in crate::inspect) fn base64_length(text: &[u8]) -> u64 {
    let padding = text.iter().rev().take(2).take_while(|b| **b == b'=');
    let padding = padding.count() as u64;
    (text.len() as u64 / 4 * 3).saturating_sub(padding)
}

/// Appends all strings of a JSON text, without keys and with newlines between them; binary data is
/// decoded. `path` is the path of the text in its row; with `[]`, that of the elements of the array
/// in the text. Returns false for a malformed text.
#[cfg(feature = "tokens")]
pub(in crate::inspect) fn stored_text_into(
    text: &[u8],
    path: &str,
    columns: &[StoredColumn],
    out: &mut Vec<u8>,
) -> bool {
    let start = out.len();
    let mut scanner = Scanner::with_nan(text);
    let mut path = path.to_owned();
    // Lengths of the path outside each open array and object, and outside the member.
    let mut lengths = vec![path.len()];
    let mut content = Vec::new();
    let mut key = String::new();
    let mut is_collected = path.contains("[]");
    loop {
        let event = match scanner.next_event() {
            Ok(Some(event)) => event,
            Ok(None) => return true,
            Err(_) => return false,
        };
        match event {
            Event::Object => lengths.push(path.len()),
            Event::Array => {
                if !std::mem::take(&mut is_collected) {
                    path.push_str("[]");
                }
                lengths.push(path.len());
            }
            Event::ObjectEnd | Event::ArrayEnd => {
                lengths.pop();
            }
            Event::Key(text) => {
                let _ = text.unescape_into(&mut key);
                path.truncate(lengths.last().copied().unwrap_or_default());
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&key);
            }
            Event::String(text) => {
                if out.len() > start {
                    out.push(b'\n');
                }
                let _ = text.content_into(&mut content);
                let is_here = |c: &StoredColumn| c.stored == StoredType::Bytes && c.path == path;
                let bytes = columns.iter().find(|c| is_here(c));
                match bytes.and_then(|_| STANDARD.decode(&content).ok()) {
                    Some(bytes) => out.extend_from_slice(&bytes),
                    None => out.extend_from_slice(&content),
                }
            }
            Event::Number(_) | Event::Bool(_) | Event::Null => {}
        }
        // After a value in an array, the path is again that of the elements.
        if !matches!(event, Event::Key(_) | Event::Object | Event::Array) {
            path.truncate(lengths.last().copied().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_text_decodes_base64_strings() {
        let columns: Vec<StoredColumn> = ["b", "l[].b", "o.b"]
            .iter()
            .map(|path| StoredColumn {
                path: (*path).to_owned(),
                stored: StoredType::Bytes,
            })
            .collect();
        let row = br#"{"a":"aGk=","b":"aGk=","l":[{"b":"aG8=","c":"aGk="},{"b":"aGE="}],"o":{"x":[["y"]],"b":"aGk="}}"#;
        let mut out = Vec::new();
        assert!(stored_text_into(row, "", &columns, &mut out));
        assert_eq!(out, b"aGk=\nhi\nho\naGk=\nha\ny\nhi");
        for (text, path, content) in [
            (&b"\"aGk=\""[..], "o.b", &b"hi"[..]),
            (b"[\"aGk=\",\"aG8=\"]", "l[].b", b"hi\nho"),
            (b"{\"b\":\"aGk=\",\"c\":\"aGk=\"}", "o", b"hi\naGk="),
        ] {
            out.clear();
            assert!(stored_text_into(text, path, &columns, &mut out));
            assert_eq!(out, content, "{path}");
        }
        for (text, length) in [("", 0), ("aA==", 1), ("aGk=", 2), ("aGkh", 3)] {
            assert_eq!(base64_length(text.as_bytes()), length);
        }
    }
}
