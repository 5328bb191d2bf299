//! Values that predicates compare with.

use std::cmp::Ordering;

use crate::inspect::json::Value;
use crate::inspect::json::ValueKind;

/// A value in a predicate.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A JSON value as it is written.
    Json(serde_json::Value),
    /// A word without quotes: equal to a string of these characters, and to a number or word of that value.
    Word(String),
}

impl Literal {
    /// Returns true if a value of a document is equal. Numbers are equal by value: 1 is 1.0.
    pub fn is_equal(&self, value: &Value<'_>) -> bool {
        match self {
            Self::Word(word) => match value.text() {
                Some(text) => text.is(word),
                None => match serde_json::from_str(word) {
                    Ok(own) => is_equal_json(&own, value),
                    Err(_) => false,
                },
            },
            Self::Json(own) => is_equal_json(own, value),
        }
    }

    /// Compares a value of a document with this one; `None` if they have no order: only numbers with numbers
    /// and strings with strings have one.
    pub fn compare_from(&self, value: &Value<'_>) -> Option<Ordering> {
        match (self, value.kind) {
            (Self::Word(word), ValueKind::String) => compare_text(value, word),
            (Self::Word(word), ValueKind::Number) => compare_numbers(value.raw, word.as_bytes()),
            (Self::Json(serde_json::Value::String(own)), ValueKind::String) => {
                compare_text(value, own)
            }
            (Self::Json(serde_json::Value::Number(own)), ValueKind::Number) => {
                compare_numbers(value.raw, own.to_string().as_bytes())
            }
            _ => None,
        }
    }

    /// Returns the characters that are looked for in strings; `None` for a value that is no string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Word(word) | Self::Json(serde_json::Value::String(word)) => Some(word),
            Self::Json(_) => None,
        }
    }
}

fn compare_text(value: &Value<'_>, other: &str) -> Option<Ordering> {
    let text = value.text()?;
    if !text.is_escaped {
        return Some(text.raw.cmp(other.as_bytes()));
    }
    let mut own = String::new();
    // A lone surrogate is compared as U+FFFD.
    let _ = text.unescape_into(&mut own);
    Some(own.as_bytes().cmp(other.as_bytes()))
}

fn is_equal_json(own: &serde_json::Value, value: &Value<'_>) -> bool {
    use serde_json::Value as Json;
    match (own, value.kind) {
        (Json::Null, ValueKind::Null) => true,
        (Json::Bool(own), ValueKind::Bool) => (value.raw == b"true") == *own,
        (Json::Number(own), ValueKind::Number) => {
            compare_numbers(value.raw, own.to_string().as_bytes()) == Some(Ordering::Equal)
        }
        (Json::String(own), ValueKind::String) => value.text().is_some_and(|t| t.is(own)),
        (Json::Array(_), ValueKind::Array) | (Json::Object(_), ValueKind::Object) => {
            serde_json::from_slice::<Json>(value.raw).is_ok_and(|other| other == *own)
        }
        _ => false,
    }
}

/// Compares two numbers by value: integers exactly, others as doubles.
fn compare_numbers(a: &[u8], b: &[u8]) -> Option<Ordering> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let (a, b) = (text(a)?, text(b)?);
    if let (Ok(a), Ok(b)) = (a.parse::<i128>(), b.parse::<i128>()) {
        return Some(a.cmp(&b));
    }
    let (a, b) = (a.parse::<f64>().ok()?, b.parse::<f64>().ok()?);
    a.partial_cmp(&b)
}
