//! What the strings of rows stand for, where a columnar file says more of them than JSON has types for.

use std::sync::Arc;

use arrow_schema::DataType;
use arrow_schema::Fields;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::inspect::json::Event;
use crate::inspect::json::Scanner;

/// What the strings of a column stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Bytes, of which they are the base64.
    Bytes,
    /// Dates and points in time.
    Times,
}

/// A column whose strings stand for something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredColumn {
    /// Its path: keys with dots between them, and `[]` for the elements of an array.
    pub path: String,
    /// What its strings stand for.
    pub stored: Stored,
}

/// Fields within each other that are looked at.
const LEVELS: usize = 16;
/// Columns that are kept of a file.
const COLUMNS_MAX: usize = 10_000;

/// The columns of a schema whose strings stand for something else.
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
        | DataType::FixedSizeBinary(_) => Stored::Bytes,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Stored::Times,
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

/// How many bytes a base64 text stands for.
pub(in crate::inspect) fn base64_length(text: &[u8]) -> u64 {
    let padding = text.iter().rev().take(2).take_while(|b| **b == b'=');
    let padding = padding.count() as u64;
    (text.len() as u64 / 4 * 3).saturating_sub(padding)
}

/// Appends what all strings of a JSON text say, keys left out, with a newline between them; where they stand
/// for bytes, these. `path` is that of the text within its row; one with `[]` is that of the elements of the
/// array that the text is. False where it is malformed.
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
    // How long the path is outside of each array and object that is open, and outside of the member.
    let mut lengths = vec![path.len()];
    let mut said = Vec::new();
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
                let _ = text.said_into(&mut said);
                let is_here = |c: &StoredColumn| c.stored == Stored::Bytes && c.path == path;
                let bytes = columns.iter().find(|c| is_here(c));
                match bytes.and_then(|_| STANDARD.decode(&said).ok()) {
                    Some(bytes) => out.extend_from_slice(&bytes),
                    None => out.extend_from_slice(&said),
                }
            }
            Event::Number(_) | Event::Bool(_) | Event::Null => {}
        }
        // Behind a value within an array, the path is that of the elements again.
        if !matches!(event, Event::Key(_) | Event::Object | Event::Array) {
            path.truncate(lengths.last().copied().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_that_stand_for_bytes_are_said_as_these() {
        let columns: Vec<StoredColumn> = ["b", "l[].b", "o.b"]
            .iter()
            .map(|path| StoredColumn {
                path: (*path).to_owned(),
                stored: Stored::Bytes,
            })
            .collect();
        let row = br#"{"a":"aGk=","b":"aGk=","l":[{"b":"aG8=","c":"aGk="},{"b":"aGE="}],"o":{"x":[["y"]],"b":"aGk="}}"#;
        let mut out = Vec::new();
        assert!(stored_text_into(row, "", &columns, &mut out));
        assert_eq!(out, b"aGk=\nhi\nho\naGk=\nha\ny\nhi");
        for (text, path, said) in [
            (&b"\"aGk=\""[..], "o.b", &b"hi"[..]),
            (b"[\"aGk=\",\"aG8=\"]", "l[].b", b"hi\nho"),
            (b"{\"b\":\"aGk=\",\"c\":\"aGk=\"}", "o", b"hi\naGk="),
        ] {
            out.clear();
            assert!(stored_text_into(text, path, &columns, &mut out));
            assert_eq!(out, said, "{path}");
        }
        for (text, length) in [("", 0), ("aA==", 1), ("aGk=", 2), ("aGkh", 3)] {
            assert_eq!(base64_length(text.as_bytes()), length);
        }
    }
}
