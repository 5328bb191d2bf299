//! The types of a document as a canonical text, and the hash of that text.

use crate::documents::format::DocumentFault;
use crate::documents::format::ID_KEY;
use crate::documents::format::for_each_member;
use crate::documents::format::limits::SCHEMA_DEPTH_MAX;
use crate::inspect::json::Event;
use crate::inspect::json::Scanner;
use crate::inspect::json::Value;
use crate::inspect::json::ValueKind;

/// Returns the canonical text of the types of a document, without its `_id`.
///
/// An object is its keys with their types, sorted; an array the type of its first element; others are
/// `"string"`, `"integer"` (of 64 bits with a sign), `"number"`, `"boolean"` and `"null"`. Keys are not
/// escaped, as other programs write them.
///
/// # Errors
/// As a document is invalid.
pub fn schema_text(document: &[u8]) -> Result<String, DocumentFault> {
    let mut members = Vec::new();
    for_each_member(document, |key, value| {
        if !key.is(ID_KEY) {
            members.push(format!("\"{}\":{}", key_text(&key), text_of(&value, 1)?));
        }
        Ok(())
    })?;
    members.sort_unstable();
    Ok(format!("{{{}}}", members.join(",")))
}

/// Returns the BLAKE3 of a canonical text, in hex.
pub fn schema_id(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn key_text(key: &crate::inspect::json::Text<'_>) -> String {
    let mut text = String::new();
    // A lone surrogate is U+FFFD here.
    let _ = key.unescape_into(&mut text);
    text
}

fn text_of(value: &Value<'_>, depth: usize) -> Result<String, DocumentFault> {
    Ok(match value.kind {
        _ if depth > SCHEMA_DEPTH_MAX => "\"null\"".to_owned(),
        ValueKind::Null => "\"null\"".to_owned(),
        ValueKind::Bool => "\"boolean\"".to_owned(),
        ValueKind::String => "\"string\"".to_owned(),
        ValueKind::Number => {
            let text = std::str::from_utf8(value.raw).unwrap_or_default();
            let name = match text.parse::<i64>() {
                Ok(_) => "\"integer\"",
                Err(_) => "\"number\"",
            };
            name.to_owned()
        }
        ValueKind::Array => {
            let mut scanner = Scanner::new(value.raw);
            match scanner.next_event()? {
                Some(Event::Array) => {}
                _ => return Ok("[]".to_owned()),
            }
            match scanner.skip_value()? {
                Some(first) => format!("[{}]", text_of(&first, depth + 1)?),
                None => "[]".to_owned(),
            }
        }
        ValueKind::Object => {
            let mut members = Vec::new();
            for_each_member(value.raw, |key, value| {
                members.push(format!(
                    "\"{}\":{}",
                    key_text(&key),
                    text_of(&value, depth + 1)?
                ));
                Ok(())
            })?;
            members.sort_unstable();
            format!("{{{}}}", members.join(","))
        }
    })
}
