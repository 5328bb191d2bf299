//! JSON Lines and JSON arrays: the type of their rows, and how many elements an array has.

use arrow_schema::Schema;

use crate::inspect::json::Event;
use crate::inspect::json::Reason;
use crate::inspect::json::Scanner;
use crate::inspect::json::validate;
use crate::inspect::profile::Profile;

/// The schema of the JSON values on these lines. Lines that are not JSON are passed over. The last
/// line counts only when the text is `whole`.
pub(crate) fn lines_schema(text: &[u8], whole: bool) -> Option<Schema> {
    let mut profile = Profile::default();
    complete_lines(text, whole).for_each(|line| profile.json_line(line));
    profile.shape().schema()
}

/// Whether a text is one JSON value.
pub(crate) fn is_json(text: &[u8]) -> bool {
    validate(text).is_ok()
}

/// Whether the first lines, at least two, each hold one JSON object: JSON Lines in a file that is
/// named `.json`.
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

/// The one list of objects in an object, in which there is no other list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnlyList {
    /// The key of the list.
    pub(crate) key: String,
    /// How many bytes stand before its bracket.
    pub(crate) at: usize,
}

/// The only list of a text that begins like this, where it is an object with one member that is a
/// list, of objects. A text that is not `whole` may have another list behind what is seen.
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
            // Behind the list.
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

/// The schema of the elements of an array whose text begins like this.
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

/// Counts the elements of one JSON array in bytes that come in pieces. Follows strings and
/// nesting; what is between is not checked.
#[derive(Debug, Default)]
pub(crate) struct ArrayCounter {
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// Something stands since the last comma of the array.
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

    /// Goes on to the end of the string; how many bytes that took.
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

    /// How many elements there were; `None` when it was not one whole array.
    pub(crate) fn finish(self) -> Option<u64> {
        (self.ended && !self.wrong).then_some(self.elements)
    }
}
