//! JSON text, by two readers.

use std::collections::HashSet;

use alimentar::inspect::json::Event;
use alimentar::inspect::json::KeyCheck;
use alimentar::inspect::json::Reason;
use alimentar::inspect::json::ScanError;
use alimentar::inspect::json::Scanner;
use alimentar::inspect::json::Value;
use alimentar::inspect::json::field_at;
use alimentar::inspect::json::validate;
use serde::de::IgnoredAny;
use serde_json::Value as Tree;

/// JSON text, against serde_json.
pub fn json_scan(data: &[u8]) {
    let verdict = validate(data);
    // Skipping serde_json takes every number and lone surrogates, as the RFC does, at any depth;
    // it does not look at UTF-8.
    let skipped = serde_json::from_slice::<IgnoredAny>(data).is_ok();
    let is_json = skipped && std::str::from_utf8(data).is_ok();
    let too_deep = verdict.is_err_and(|e| e.reason == Reason::Depth);
    assert!(verdict.is_ok() == is_json || too_deep, "{verdict:?}");
    match verdict {
        Ok(()) => accepted(data),
        Err(error) => refused(data, error),
    }
}

/// Checks that the text before the first wrong byte is the beginning of valid JSON.
fn refused(data: &[u8], error: ScanError) {
    let before = validate(&data[..error.at]);
    assert!(before.is_ok_and_end(error.at), "{error:?} {before:?}");
    assert_eq!(walk(data).err(), Some(error));
    let mut scanner = Scanner::new(data);
    let skipped = scanner.skip_value();
    if error.reason != Reason::Trailing {
        assert_eq!(skipped, Err(error));
    }
    assert!(scanner.next_event().is_err() && scanner.next_event().is_err());
}

trait Beginning {
    fn is_ok_and_end(&self, at: usize) -> bool;
}

impl Beginning for Result<(), ScanError> {
    fn is_ok_and_end(&self, at: usize) -> bool {
        let end = ScanError {
            at,
            reason: Reason::End,
        };
        *self == Ok(()) || *self == Err(end)
    }
}

fn accepted(data: &[u8]) {
    let whole = Scanner::new(data).skip_value().unwrap().unwrap();
    let space = [' ', '\t', '\n', '\r'];
    let trimmed = std::str::from_utf8(data).unwrap().trim_matches(space);
    assert_eq!(whole.raw, trimmed.as_bytes());
    assert_eq!(whole.span().of(data), whole.raw);
    let walked = walk(data).unwrap();
    // The tree of serde_json has no place for lone surrogates, large numbers and depth.
    if let Ok(tree) = serde_json::from_slice::<Tree>(data) {
        assert_eq!(walked.tree, Some(tree));
    }
    let repeated = KeyCheck::default().first_repeated(data).unwrap();
    assert_eq!(repeated.is_some(), walked.repeats);
    members(data);
}

struct Walked {
    /// `None` where something has no place in one.
    tree: Option<Tree>,
    repeats: bool,
}

/// An array or object that is not at its end yet.
enum Open {
    Array(Vec<Tree>),
    Object(serde_json::Map<String, Tree>, String, HashSet<Vec<u16>>),
}

/// A tree of what the events say.
fn walk(data: &[u8]) -> Result<Walked, ScanError> {
    let (mut scanner, mut buffer) = (Scanner::new(data), String::new());
    let (mut open, mut tree) = (Vec::new(), None);
    let (mut fits, mut repeats) = (true, false);
    while let Some(event) = scanner.next_event()? {
        let value = match event {
            Event::Array => {
                open.push(Open::Array(Vec::new()));
                None
            }
            Event::Object => {
                let keys = HashSet::new();
                open.push(Open::Object(serde_json::Map::new(), String::new(), keys));
                None
            }
            Event::Key(text) => {
                fits &= text.unescape_into(&mut buffer).is_ok();
                if let Some(Open::Object(_, key, keys)) = open.last_mut() {
                    key.clone_from(&buffer);
                    repeats |= !keys.insert(units(text.raw));
                }
                assert_eq!(text.is(&buffer), text.unescape_into(&mut buffer).is_ok());
                None
            }
            Event::String(text) => {
                fits &= text.unescape_into(&mut buffer).is_ok();
                assert!(text.is_escaped || buffer.as_bytes() == text.raw);
                Some(Tree::String(buffer.clone()))
            }
            Event::Number(number) => {
                let value = serde_json::from_slice(number.raw);
                fits &= value.is_ok();
                Some(value.unwrap_or(Tree::Null))
            }
            Event::Bool(is_true) => Some(Tree::Bool(is_true)),
            Event::Null => Some(Tree::Null),
            Event::ArrayEnd | Event::ObjectEnd => match open.pop().unwrap() {
                Open::Array(elements) => Some(Tree::Array(elements)),
                Open::Object(members, _, _) => Some(Tree::Object(members)),
            },
        };
        assert_eq!(scanner.depth(), open.len());
        // A tree that is too deep cannot be dropped.
        fits &= open.len() < 128;
        match (value, open.last_mut()) {
            (None, _) => {}
            (Some(value), Some(Open::Array(elements))) if fits => elements.push(value),
            (Some(value), Some(Open::Object(members, key, _))) if fits => {
                members.insert(key.clone(), value);
            }
            (Some(_), Some(_)) => {}
            (Some(value), None) => tree = Some(value),
        }
    }
    let tree = tree.filter(|_| fits);
    Ok(Walked { tree, repeats })
}

/// Returns the UTF-16 units of a string, read without the scanner.
fn units(raw: &[u8]) -> Vec<u16> {
    let text = std::str::from_utf8(raw).unwrap();
    let (mut chars, mut units) = (text.chars(), Vec::new());
    while let Some(c) = chars.next() {
        let said = match c {
            '\\' => match chars.next().unwrap() {
                'u' => {
                    let hex: String = chars.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&hex, 16).unwrap());
                    continue;
                }
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            },
            other => other,
        };
        units.extend_from_slice(said.encode_utf16(&mut [0; 2]));
    }
    units
}

/// Members of the outermost object, or elements of the array, are found by name.
fn members(data: &[u8]) {
    let mut scanner = Scanner::new(data);
    let (mut seen, mut key) = (HashSet::new(), String::new());
    let mut number = 0;
    let is_array = match scanner.next_event().unwrap().unwrap() {
        Event::Object => false,
        Event::Array => true,
        _ => return,
    };
    while number < 8 {
        let mut ahead = scanner.clone();
        if let Some(Event::Key(text)) = ahead.next_event().unwrap()
            && text.unescape_into(&mut key).is_err()
        {
            return;
        }
        if is_array {
            key = number.to_string();
        }
        let Some(value) = scanner.skip_value().unwrap() else {
            return;
        };
        let found: Value = field_at(data, &[&key]).unwrap().unwrap();
        assert_eq!(found == value, seen.insert(key.clone()));
        number += 1;
    }
}
