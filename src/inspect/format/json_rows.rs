//! JSON Lines and JSON arrays: the schema of their rows, and the number of elements.

use arrow_schema::Schema;

use crate::inspect::json::Event;
use crate::inspect::json::Reason;
use crate::inspect::json::Scanner;
use crate::inspect::json::validate;
use crate::inspect::profile::Profile;

/// Infers the schema of JSON Lines. Invalid lines are skipped. The last line counts only if the
/// text is `whole`.
pub(crate) fn lines_schema(text: &[u8], whole: bool) -> Option<Schema> {
    let mut profile = Profile::default();
    complete_lines(text, whole).for_each(|line| profile.json_line(line));
    profile.shape().schema()
}

/// Returns true if a text is one JSON value.
pub(crate) fn is_json(text: &[u8]) -> bool {
    validate(text).is_ok()
}

/// Returns true if the first lines, at least two, hold one JSON object each: JSON Lines in a
/// `.json` file.
pub(crate) fn looks_like_lines(text: &[u8], whole: bool) -> bool {
    const LINES: usize = 8;
    let mut objects = 0;
    let lines = complete_lines(text, whole).filter(|l| !l.trim_ascii().is_empty());
    for line in lines.take(LINES) {
        if !line.trim_ascii_start().starts_with(b"{") || !is_json(line) {
            return false;
        }
        objects += 1;
    }
    objects >= 2
}

fn complete_lines(text: &[u8], whole: bool) -> impl Iterator<Item = &[u8]> {
    let end = match memchr::memrchr(b'\n', text) {
        _ if whole => text.len(),
        Some(last) => last,
        None => 0,
    };
    text.get(..end).unwrap_or_default().split(|b| *b == b'\n')
}

/// The only list of objects in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnlyList {
    /// Key of the list.
    pub(crate) key: String,
    /// Offset of its opening bracket.
    pub(crate) at: usize,
}

/// Finds the only list of objects in an object whose text begins like this. If the text is not
/// `whole`, another list may follow later.
pub(crate) fn only_list(text: &[u8], whole: bool) -> Option<OnlyList> {
    let mut scanner = Scanner::new(text);
    let Ok(Some(Event::Object)) = scanner.next_event() else {
        return None;
    };
    let mut only = None;
    let mut key = String::new();
    loop {
        match scanner.next_event() {
            Ok(Some(Event::Key(name))) => {
                let _ = name.unescape_into(&mut key);
            }
            Ok(Some(_)) => break,
            // After the list.
            Err(error) if !whole && error.reason == Reason::End => break,
            _ => return None,
        }
        let mut value = scanner.clone();
        match value.next_event() {
            Ok(Some(Event::Array)) if only.is_some() => return None,
            Ok(Some(Event::Array)) => {
                let at = value.token_at();
                if !matches!(value.next_event(), Ok(Some(Event::Object))) {
                    return None;
                }
                let key = key.clone();
                only = Some(OnlyList { key, at });
            }
            Ok(Some(_)) => {}
            _ => return None,
        }
        match scanner.skip_value() {
            Ok(Some(_)) => {}
            Err(error) if !whole && error.reason == Reason::End => break,
            _ => return None,
        }
    }
    only
}

/// Infers the schema of the elements of an array from its beginning.
pub(crate) fn array_schema(text: &[u8]) -> Option<Schema> {
    let mut profile = Profile::default();
    let mut scanner = Scanner::new(text);
    let Ok(Some(Event::Array)) = scanner.next_event() else {
        return None;
    };
    while let Ok(Some(element)) = scanner.skip_value() {
        profile.json_line(element.raw);
    }
    profile.shape().schema()
}

/// Streaming counter of the elements of one JSON array. It tracks strings and nesting, and does not
/// validate the rest.
#[derive(Debug, Default)]
pub(crate) struct ArrayCounter {
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// True if an element started since the last comma of the array.
    element: bool,
    elements: u64,
    ended: bool,
    wrong: bool,
}

impl ArrayCounter {
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let mut at = 0;
        while let Some(rest) = piece.get(at..).filter(|r| !r.is_empty()) {
            at += if self.in_string {
                self.string(rest)
            } else {
                self.byte(rest)
            };
        }
    }

    /// Skips to the end of the string, and returns the number of bytes.
    fn string(&mut self, rest: &[u8]) -> usize {
        if self.escaped {
            self.escaped = false;
            return 1;
        }
        match memchr::memchr2(b'"', b'\\', rest) {
            None => rest.len(),
            Some(n) => {
                let escape = rest.get(n) == Some(&b'\\');
                self.escaped = escape;
                self.in_string = escape;
                n + 1
            }
        }
    }

    fn byte(&mut self, rest: &[u8]) -> usize {
        let Some(byte) = rest.first() else { return 1 };
        if byte.is_ascii_whitespace() {
            return 1;
        }
        // A byte order mark is no element.
        if self.depth == 0 && matches!(byte, 0xef | 0xbb | 0xbf) {
            return 1;
        }
        if self.ended || (self.depth == 0 && *byte != b'[') {
            self.wrong = true;
            return rest.len();
        }
        match byte {
            b'[' | b'{' => {
                self.element |= self.depth > 0;
                self.depth += 1;
            }
            b']' | b'}' => {
                self.depth -= 1;
                self.ended = self.depth == 0;
                self.elements += u64::from(self.ended && self.element);
            }
            b',' if self.depth == 1 => {
                self.wrong |= !self.element;
                self.elements += u64::from(self.element);
                self.element = false;
            }
            b'"' => {
                self.element = true;
                self.in_string = true;
            }
            _ => self.element = true,
        }
        1
    }

    /// Returns the number of elements; `None` unless the bytes were one whole array.
    pub(crate) fn finish(self) -> Option<u64> {
        (self.ended && !self.wrong).then_some(self.elements)
    }
}
