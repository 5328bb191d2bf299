//! Lines of `data.jsonl`: their ids, and the compact form in which documents are written.

use std::borrow::Cow;
use std::ops::Range;

use thiserror::Error;

use crate::documents::format::DocumentId;
use crate::inspect::json::Event;
use crate::inspect::json::KeyCheck;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::TokenKind;
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
    if let Some(id) = plain_id(line) {
        return Ok(Cow::Borrowed(id));
    }
    let found = crate::inspect::json::field_at(line, &[ID_KEY])?;
    text_of(&found.ok_or(DocumentFault::NoId)?)
}

/// Returns the id of a line that begins with it, as this program writes it.
fn plain_id(line: &[u8]) -> Option<&str> {
    let after = line.strip_prefix(b"{\"_id\":\"")?;
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let end = after.iter().position(|b| !is_plain(b))?;
    let id = after.get(..end).filter(|_| after.get(end) == Some(&b'"'))?;
    std::str::from_utf8(id).ok()
}

/// Returns true if a line has this id: the bytes that [`line_into`] writes are compared at once.
pub(crate) fn has_id(line: &[u8], id: &str) -> bool {
    let after = line.strip_prefix(b"{\"_id\":\"").unwrap_or_default();
    let is_plain = after.get(id.len()) == Some(&b'"') && after.starts_with(id.as_bytes());
    // A backslash in the text is the begin of another character.
    (is_plain && !id.contains('\\')) || quick_id(line).is_ok_and(|found| found == id)
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
    LineMaker::default().line_into(id, document, line)
}

/// Makes lines as [`line_into`] does, and keeps its memory between them.
#[derive(Default)]
pub(crate) struct LineMaker {
    keys: KeyCheck,
}

impl LineMaker {
    /// As [`line_into`].
    ///
    /// # Errors
    /// The first fault; `line` is then as before.
    pub(crate) fn line_into(
        &mut self,
        id: &DocumentId,
        document: &[u8],
        line: &mut Vec<u8>,
    ) -> Result<(), DocumentFault> {
        if is_line(id.as_str(), document) {
            line.extend_from_slice(document);
            line.push(b'\n');
            return Ok(());
        }
        let begin = line.len();
        let written = self.members_into(id.as_str(), document, line);
        if written.is_err() {
            line.truncate(begin);
        }
        written
    }

    /// Reads the document once: checks it and its keys, and copies its members.
    fn members_into(
        &mut self,
        id: &str,
        document: &[u8],
        line: &mut Vec<u8>,
    ) -> Result<(), DocumentFault> {
        line.extend_from_slice(b"{\"_id\":");
        text_into(id.as_bytes(), line);
        self.keys.begin();
        let mut scanner = Scanner::new(document);
        let mut copied = Copied::default();
        // The key of the member that is open, its offset, and the begin of its value.
        let (mut member, mut value_at, mut is_object) = (None, None, false);
        loop {
            let token = scanner.next_token()?;
            let at = scanner.token_at();
            match token {
                TokenKind::Over => break,
                TokenKind::Key => {
                    let key = scanner.token_text();
                    self.keys.key(&key, at);
                    if scanner.depth() == 1 {
                        (member, value_at) = (Some((key, at)), None);
                        continue;
                    }
                }
                TokenKind::Object => {
                    self.keys.object();
                    if scanner.depth() == 1 {
                        is_object = true;
                        continue;
                    }
                }
                TokenKind::ObjectEnd => {
                    if let Some(span) = self.keys.object_end(document) {
                        let key = String::from_utf8_lossy(span.of(document)).into_owned();
                        return Err(DocumentFault::Repeated(key));
                    }
                }
                _ => {}
            }
            let start = *value_at.get_or_insert(at);
            if scanner.depth() == 1
                && let Some((key, key_at)) = member.take()
            {
                let end = scanner.at();
                let raw = document.get(start..end).unwrap_or_default();
                if key.is(ID_KEY) {
                    check_own(id, raw)?;
                } else if scanner.has_space_after(key_at) {
                    copied.finish(document, line);
                    line.push(b',');
                    member_into(key.raw, raw, line);
                } else {
                    copied.add(key_at..end, document, line);
                }
            }
        }
        if !is_object {
            return Err(DocumentFault::NotObject);
        }
        copied.finish(document, line);
        line.extend_from_slice(b"}\n");
        Ok(())
    }
}

/// Returns true if a document is a line already: its id stands first, it is without white space, and its other members
/// are scalars with different keys. Says nothing of others.
fn is_line(id: &str, document: &[u8]) -> bool {
    let after = document.strip_prefix(b"{\"_id\":\"").unwrap_or_default();
    let after = after.strip_prefix(id.as_bytes());
    let Some(rest) = after.and_then(|after| after.strip_prefix(b"\"")) else {
        return false;
    };
    crate::inspect::json::are_compact_members(rest, ID_KEY.as_bytes())
}

/// Members without white space that follow each other, to be copied at once.
#[derive(Default)]
struct Copied(Range<usize>);

impl Copied {
    /// Adds a member, and copies those before it if they do not end at its comma.
    fn add(&mut self, member: Range<usize>, document: &[u8], line: &mut Vec<u8>) {
        if self.0.end + 1 == member.start && !self.0.is_empty() {
            self.0.end = member.end;
            return;
        }
        self.finish(document, line);
        self.0 = member;
    }

    /// Copies the members, with a comma before them.
    fn finish(&mut self, document: &[u8], line: &mut Vec<u8>) {
        let members = std::mem::take(&mut self.0);
        if !members.is_empty() {
            line.push(b',');
            line.extend_from_slice(document.get(members).unwrap_or_default());
        }
    }
}

/// Checks the `_id` of a document against the id it is stored under.
fn check_own(id: &str, raw: &[u8]) -> Result<(), DocumentFault> {
    let inside = raw.strip_prefix(b"\"").and_then(|r| r.strip_suffix(b"\""));
    if inside == Some(id.as_bytes()) && !id.contains('\\') {
        return Ok(());
    }
    let value = Value {
        kind: crate::inspect::json::ValueKind::String,
        raw,
        at: 0,
    };
    match text_of(&value)? {
        own if own == id => Ok(()),
        own => Err(DocumentFault::OtherId(own.into_owned())),
    }
}

/// Appends a document that was read from a file of its own, with `_id` first: the name of the file, whatever
/// the document says.
///
/// # Errors
/// The first fault.
pub fn document_into(id: &str, document: &[u8], out: &mut Vec<u8>) -> Result<(), DocumentFault> {
    out.extend_from_slice(b"{\"_id\":");
    text_into(id.as_bytes(), out);
    for_each_member(document, |key, value| {
        if !key.is(ID_KEY) {
            out.push(b',');
            member_into(key.raw, value.raw, out);
        }
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
    let mut rest = text;
    while let Some((first, _)) = rest.split_first() {
        let (taken, others) = match first {
            b'"' => rest.split_at(string_end(rest)),
            b' ' | b'\n' | b'\r' | b'\t' => {
                rest = rest.trim_ascii_start();
                continue;
            }
            _ => {
                let is_end = |b: &u8| matches!(b, b'"' | b' ' | b'\n' | b'\r' | b'\t');
                rest.split_at(rest.iter().position(is_end).unwrap_or(rest.len()))
            }
        };
        out.extend_from_slice(taken);
        rest = others;
    }
}

/// Returns the offset after the string at the begin of a text.
fn string_end(text: &[u8]) -> usize {
    let mut at = 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            None => return text.len(),
            Some(found) if rest.get(found) == Some(&b'"') => return at + found + 1,
            // A byte after a backslash ends no string.
            Some(found) => at = (at + found + 2).min(text.len()),
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
