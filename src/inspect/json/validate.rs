//! Fast validator: the grammar in one loop that keeps its state in registers. It only answers yes
//! or no; the scanner is the single source of errors. A faster one is for objects as programs write them.

use crate::inspect::json::depth::Nesting;
use crate::inspect::json::number::scan_number;
use crate::inspect::json::scanned::TokenOutcome;
use crate::inspect::json::string::scan_string;

/// Returns true if a text is one JSON value with optional white space around it.
pub(in crate::inspect::json) fn is_json(text: &[u8]) -> bool {
    walk(text).is_some()
}

/// Returns `None` at the first invalid byte.
fn walk(text: &[u8]) -> Option<()> {
    let mut nesting = Nesting::default();
    let mut at = 0;
    loop {
        at = space(text, at);
        let is_opened;
        (at, is_opened) = value(text, at, &mut nesting)?;
        if is_opened {
            continue;
        }
        // After a value: closing brackets, and the comma before the next value.
        loop {
            at = space(text, at);
            match (text.get(at), nesting.innermost()) {
                (Some(b','), Some(false)) => {
                    at += 1;
                    break;
                }
                (Some(b','), Some(true)) => {
                    at = key(text, space(text, at + 1))?;
                    break;
                }
                (Some(b'}'), Some(true)) | (Some(b']'), Some(false)) => {
                    nesting.close();
                    at += 1;
                }
                (None, None) => return Some(()),
                _ => return None,
            }
        }
    }
}

/// Skips a value, or enters an array or object up to its first value; the flag tells which.
#[inline]
fn value(text: &[u8], at: usize, nesting: &mut Nesting) -> Option<(usize, bool)> {
    match text.get(at)? {
        b'"' => Some((string(text, at)?, false)),
        b'-' | b'0'..=b'9' => Some((scan_number(text, at).ok()?.at, false)),
        b'{' => {
            nesting.open(true).then_some(())?;
            let first = space(text, at + 1);
            if text.get(first) == Some(&b'}') {
                nesting.close();
                return Some((first + 1, false));
            }
            Some((key(text, first)?, true))
        }
        b'[' => {
            nesting.open(false).then_some(())?;
            let first = space(text, at + 1);
            if text.get(first) == Some(&b']') {
                nesting.close();
                return Some((first + 1, false));
            }
            Some((first, true))
        }
        b't' => word(text, at, b"true"),
        b'f' => word(text, at, b"false"),
        b'n' => word(text, at, b"null"),
        _ => None,
    }
}

/// Skips a key and its colon.
#[inline]
fn key(text: &[u8], at: usize) -> Option<usize> {
    let quote = text.get(at) == Some(&b'"');
    let end = space(text, string(text, quote.then_some(at)?)?);
    (text.get(end) == Some(&b':')).then_some(end + 1)
}

/// Skips the string whose quote is at `at`.
#[inline]
fn string(text: &[u8], at: usize) -> Option<usize> {
    let scanned = scan_string(text, at + 1);
    (!matches!(scanned.found, TokenOutcome::Wrong(_))).then_some(scanned.at)
}

#[inline]
fn word(text: &[u8], at: usize, word: &[u8]) -> Option<(usize, bool)> {
    let rest = text.get(at..)?;
    rest.starts_with(word).then_some((at + word.len(), false))
}

/// Skips white space.
#[inline]
fn space(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// Number of keys that are compared pairwise.
#[cfg(feature = "documents")]
const KEYS_MAX: usize = 16;

/// A key: its first bytes and its length, and its place.
#[cfg(feature = "documents")]
#[derive(Clone, Copy, Default)]
struct Key {
    first: u64,
    start: usize,
    end: usize,
}

/// Returns true if a text is the rest of an object after its first member, up to its end and not beyond: members
/// without white space, with scalars as values, and with different keys without escapes, none of them `first`.
///
/// False says nothing: the scanner finds out what such a text is.
#[cfg(feature = "documents")]
pub(crate) fn are_compact_members(text: &[u8], first: &[u8]) -> bool {
    is_rest(text, first).is_some()
}

#[cfg(feature = "documents")]
fn is_rest(text: &[u8], first: &[u8]) -> Option<()> {
    let mut keys = [Key::default(); KEYS_MAX];
    let (mut count, mut at) = (0, 0);
    loop {
        match text.get(at)? {
            b',' => {}
            b'}' => return (at + 1 == text.len()).then_some(()),
            _ => return None,
        }
        let start = at + 2;
        (text.get(at + 1) == Some(&b'"')).then_some(())?;
        let (end, is_plain) = string_end(text, start)?;
        let name = text.get(start..end - 1)?;
        if !is_plain || name == first {
            return None;
        }
        let key = Key {
            first: first_bytes(text, start, end - 1),
            start,
            end: end - 1,
        };
        let others = keys.get(..count)?;
        let is_same = |other: &Key| {
            other.first == key.first
                && other.end - other.start == name.len()
                && text.get(other.start..other.end) == Some(name)
        };
        if others.iter().any(is_same) {
            return None;
        }
        *keys.get_mut(count)? = key;
        count += 1;
        (text.get(end) == Some(&b':')).then_some(())?;
        at = scalar(text, end + 1)?;
    }
}

/// Returns up to eight bytes of a key.
#[cfg(feature = "documents")]
#[inline]
fn first_bytes(text: &[u8], start: usize, end: usize) -> u64 {
    let word = text.get(start..).and_then(<[u8]>::first_chunk);
    // Behind the last key of a short text there are not so many.
    let word = word.copied().unwrap_or_else(|| {
        let rest = text.get(start..).unwrap_or_default();
        std::array::from_fn(|at| rest.get(at).copied().unwrap_or_default())
    });
    match end - start {
        length @ 0..8 => u64::from_le_bytes(word) & !(u64::MAX << (length * 8)),
        _ => u64::from_le_bytes(word),
    }
}

/// Returns the offset after a string, and whether it has no escapes.
#[cfg(feature = "documents")]
#[inline]
fn string_end(text: &[u8], start: usize) -> Option<(usize, bool)> {
    let scanned = scan_string(text, start);
    match scanned.found {
        TokenOutcome::Plain => Some((scanned.at, true)),
        TokenOutcome::Marked => Some((scanned.at, false)),
        TokenOutcome::Wrong(_) => None,
    }
}

/// Returns the offset after a scalar.
#[cfg(feature = "documents")]
#[inline]
fn scalar(text: &[u8], at: usize) -> Option<usize> {
    let word = |word: &[u8]| {
        let rest = text.get(at..)?;
        rest.starts_with(word).then_some(at + word.len())
    };
    match text.get(at)? {
        b'"' => string_end(text, at + 1).map(|(end, _)| end),
        b'-' | b'0'..=b'9' => scan_number(text, at).ok().map(|scanned| scanned.at),
        b't' => word(b"true"),
        b'f' => word(b"false"),
        b'n' => word(b"null"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "documents")]
    use super::are_compact_members;
    use super::is_json;
    #[cfg(feature = "documents")]
    use crate::inspect::json::KeyCheck;
    use crate::inspect::json::Scanner;
    #[cfg(feature = "documents")]
    use crate::inspect::json::validate;
    use crate::testing::Random;

    fn by_events(text: &[u8]) -> bool {
        let mut scanner = Scanner::new(text);
        loop {
            match scanner.next_event() {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    #[test]
    fn validator_agrees_with_scanner() {
        let pieces = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"\\u00e9\\n\"",
            "\"\\x\"",
            "0",
            "01",
            "-",
            "-1",
            "12345678",
            "123456789.5",
            "1.e3",
            "1e+12345678901",
            "-0.125E-7",
            "true",
            "fals",
            "null",
            " ",
            "\n",
            "\"é\"",
            "\u{feff}",
            "\"",
            "1x",
            "12345678/",
            "99999999:",
        ];
        let mut random = Random::new(1);
        let mut good = 0;
        for _ in 0..400_000 {
            let mut text = String::new();
            let mut take = |n: usize| random.index(n);
            for _ in 0..1 + take(7) {
                text.push_str(pieces[take(pieces.len())]);
            }
            let text = text.as_bytes();
            assert_eq!(
                is_json(text),
                by_events(text),
                "{:?}",
                String::from_utf8_lossy(text)
            );
            assert_eq!(
                is_json(text),
                serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok(),
                "{:?}",
                String::from_utf8_lossy(text)
            );
            good += usize::from(is_json(text));
        }
        assert!(good > 10_000, "{good}");
        for depth in [63, 64, 65, 1000, 100_000, 100_001] {
            let text = [vec![b'['; depth], vec![b']'; depth]].concat();
            assert_eq!(is_json(&text), depth <= 100_000);
            assert_eq!(by_events(&text), depth <= 100_000);
        }
    }

    #[cfg(feature = "documents")]
    #[test]
    fn compact_members_are_valid_unique_and_without_space() {
        let pieces = [
            ",",
            "\"a\":",
            "\"b\":",
            "\"abcdefgh\":",
            "\"abcdefghi\":",
            "\"\":",
            "\"id\":",
            "\"\\u0061\":",
            "1",
            "-0.5e3",
            "01",
            "\"x\"",
            "\"\\n\"",
            "\"é\"",
            "true",
            "nul",
            "null",
            "false",
            "[]",
            "{}",
            " ",
            "}",
            "\u{1}",
            "\"",
        ];
        let mut random = Random::new(7);
        let mut good = 0;
        for _ in 0..600_000 {
            let mut rest = String::new();
            // Mostly members, else random pieces.
            for _ in 0..random.index(4) {
                match random.index(8) {
                    0 => rest.push_str(pieces[random.index(pieces.len())]),
                    _ => {
                        rest.push(',');
                        rest.push_str(pieces[1 + random.index(7)]);
                        rest.push_str(pieces[8 + random.index(10)]);
                    }
                }
            }
            rest.push_str(["}", "", "}}", "} "][random.index(20).saturating_sub(16)]);
            if !are_compact_members(rest.as_bytes(), b"id") {
                continue;
            }
            good += 1;
            let whole = format!("{{\"id\":0{rest}");
            assert!(validate(whole.as_bytes()).is_ok(), "{whole}");
            let repeated = KeyCheck::default().first_repeated(whole.as_bytes());
            assert!(matches!(repeated, Ok(None)), "{whole}");
            assert!(!whole.contains(' '), "{whole}");
        }
        assert!(good > 10_000, "{good}");
    }

    #[cfg(feature = "documents")]
    #[test]
    fn many_or_equal_keys_are_left_to_the_scanner() {
        let members = |n: usize| (0..n).map(|n| format!(",\"k{n}\":{n}")).collect::<String>() + "}";
        assert!(are_compact_members(members(16).as_bytes(), b"_id"));
        assert!(!are_compact_members(members(17).as_bytes(), b"_id"));
        let long = format!(",\"{0}a\":1,\"{0}b\":2}}", "x".repeat(40));
        assert!(are_compact_members(long.as_bytes(), b"_id"));
        let same = format!(",\"{0}\":1,\"{0}\":2}}", "x".repeat(40));
        assert!(!are_compact_members(same.as_bytes(), b"_id"));
        assert!(!are_compact_members(b",\"_id\":1}", b"_id"));
    }
}
