//! Lines of `data.jsonl`: their ids, and the compact form in which documents are written.

use std::borrow::Cow;

use thiserror::Error;

use crate::documents::format::DocumentId;
use crate::inspect::json::Event;
use crate::inspect::json::KeyCheck;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::Value;
use crate::inspect::json::write::text_into;

/// The member that holds the id.
pub const ID_KEY: &str = "_id";

/// The reason why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DocumentFault {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Json(#[from] ScanError),
    /// It is JSON, but no object.
    #[error("it is not a JSON object")]
    NotObject,
    /// It has no `_id`.
    #[error("it has no `_id`")]
    NoId,
    /// Its `_id` is no text, or has a lone surrogate.
    #[error("its `_id` is not a string of characters")]
    IdType,
    /// Its `_id` is not the id it is stored under.
    #[error("its `_id` is `{0}`, not the id it is stored under")]
    OtherId(String),
    /// A key stands in it twice.
    #[error("its key `{0}` is there twice")]
    Repeated(String),
}

/// Returns the id of a line, and checks that the line is one JSON object.
///
/// The first of several `_id` counts.
///
/// # Errors
/// The first fault.
pub fn line_id(line: &[u8]) -> Result<Cow<'_, str>, DocumentFault> {
    let mut found = None;
    for_each_member(line, |key, value| {
        if found.is_none() && key.is(ID_KEY) {
            found = Some(value);
        }
        Ok(())
    })?;
    text_of(&found.ok_or(DocumentFault::NoId)?)
}

/// Returns the id of a line as [`line_id`] does, without a look at what follows it.
///
/// # Errors
/// As [`line_id`], up to the id.
pub fn quick_id(line: &[u8]) -> Result<Cow<'_, str>, DocumentFault> {
    let found = crate::inspect::json::field_at(line, &[ID_KEY])?;
    text_of(&found.ok_or(DocumentFault::NoId)?)
}

/// Appends a document as a line: `_id` first, then its other members in their order, each as it is written
/// but without white space between tokens, and a line feed.
///
/// Numbers keep their digits. `_id` stands first because a reader that looks for the first `"_id":"` of a
/// line would else find one in a value.
///
/// # Errors
/// The first fault; `line` is then as before.
pub fn line_into(
    id: &DocumentId,
    document: &[u8],
    line: &mut Vec<u8>,
) -> Result<(), DocumentFault> {
    let begin = line.len();
    let written = members_into(id, document, line);
    if written.is_err() {
        line.truncate(begin);
    }
    written
}

fn members_into(id: &DocumentId, document: &[u8], line: &mut Vec<u8>) -> Result<(), DocumentFault> {
    if let Some(span) = KeyCheck::default().first_repeated(document)? {
        let key = String::from_utf8_lossy(span.of(document)).into_owned();
        return Err(DocumentFault::Repeated(key));
    }
    named_into(id.as_str(), document, line, |own| {
        match own == id.as_str() {
            true => Ok(()),
            false => Err(DocumentFault::OtherId(own.to_owned())),
        }
    })?;
    line.push(b'\n');
    Ok(())
}

/// Appends a document that was read from a file of its own, with `_id` first: the name of the file, whatever
/// the document says.
///
/// # Errors
/// The first fault.
pub fn document_into(id: &str, document: &[u8], out: &mut Vec<u8>) -> Result<(), DocumentFault> {
    named_into(id, document, out, |_| Ok(()))
}

fn named_into(
    id: &str,
    document: &[u8],
    out: &mut Vec<u8>,
    check_own: impl Fn(&str) -> Result<(), DocumentFault>,
) -> Result<(), DocumentFault> {
    out.extend_from_slice(b"{\"_id\":");
    text_into(id.as_bytes(), out);
    for_each_member(document, |key, value| {
        if key.is(ID_KEY) {
            return check_own(text_of(&value)?.as_ref());
        }
        out.push(b',');
        member_into(key.raw, value.raw, out);
        Ok(())
    })?;
    out.push(b'}');
    Ok(())
}

/// Appends a member of an object: the key between its quotes, and the value without white space.
fn member_into(key: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(key);
    out.extend_from_slice(b"\":");
    compact_into(value, out);
}

/// Appends a document without its `_id`, as files of single documents have it.
///
/// # Errors
/// The first fault.
pub fn nameless_into(document: &[u8], out: &mut Vec<u8>) -> Result<(), DocumentFault> {
    out.push(b'{');
    for_each_member(document, |key, value| {
        if !key.is(ID_KEY) {
            if out.last() != Some(&b'{') {
                out.push(b',');
            }
            member_into(key.raw, value.raw, out);
        }
        Ok(())
    })?;
    out.push(b'}');
    Ok(())
}

/// Takes the text of a field of a document, for an id: of a string its characters, of an integer its
/// digits.
///
/// # Errors
/// [`DocumentFault::NoId`] if the document lacks it, [`DocumentFault::IdType`] if it is of another type.
pub fn id_from_field(document: &[u8], path: &str) -> Result<String, DocumentFault> {
    let found = crate::inspect::json::field(document, path)?;
    let value = found.ok_or(DocumentFault::NoId)?;
    let digits = value.raw.strip_prefix(b"-").unwrap_or(value.raw);
    if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
        return Ok(String::from_utf8_lossy(value.raw).into_owned());
    }
    text_of(&value).map(Cow::into_owned)
}

/// Appends valid JSON without the white space between its tokens.
pub fn compact_into(text: &[u8], out: &mut Vec<u8>) {
    let (mut is_string, mut is_escaped) = (false, false);
    for &byte in text {
        if !is_string && matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            continue;
        }
        out.push(byte);
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_string,
            b'"' => is_string = !is_string,
            _ => {}
        }
    }
}

/// Goes over the members of an object, and checks the whole text.
///
/// # Errors
/// [`DocumentFault::Json`], [`DocumentFault::NotObject`], and those of `each`.
pub(crate) fn for_each_member<'a>(
    document: &'a [u8],
    mut each: impl FnMut(crate::inspect::json::Text<'a>, Value<'a>) -> Result<(), DocumentFault>,
) -> Result<(), DocumentFault> {
    let mut scanner = Scanner::new(document);
    if !matches!(scanner.next_event()?, Some(Event::Object)) {
        // A text that is not JSON is that first.
        crate::inspect::json::validate(document)?;
        return Err(DocumentFault::NotObject);
    }
    while let Some(Event::Key(key)) = scanner.next_event()? {
        let Some(value) = scanner.skip_value()? else {
            break;
        };
        each(key, value)?;
    }
    scanner.next_event()?;
    Ok(())
}

fn text_of<'a>(value: &Value<'a>) -> Result<Cow<'a, str>, DocumentFault> {
    let text = value.text().ok_or(DocumentFault::IdType)?;
    if !text.is_escaped {
        let plain = std::str::from_utf8(text.raw);
        return plain.map(Cow::Borrowed).map_err(|_| DocumentFault::IdType);
    }
    let mut buffer = String::new();
    match text.unescape_into(&mut buffer) {
        Ok(()) => Ok(Cow::Owned(buffer)),
        Err(_) => Err(DocumentFault::IdType),
    }
}
