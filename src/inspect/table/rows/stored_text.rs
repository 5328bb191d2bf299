//! Text of rows with stored types: all strings, with binary data decoded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::inspect::json::Event;
use crate::inspect::json::Scanner;
use crate::inspect::table::rows::stored::StoredColumn;
use crate::inspect::table::rows::stored::StoredType;

/// Appends all strings of a JSON text, without keys and with newlines between them; binary data is
/// decoded. `path` is the path of the text in its row; with `[]`, that of the elements of the array
/// in the text. Returns false for a malformed text.
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
    }
}
