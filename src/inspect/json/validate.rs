//! The grammar once more, in one loop that keeps its state in registers: it only says that a text
//! is JSON. Where it does not, the scanner says what is wrong, so that errors have one source.

use crate::inspect::json::depth::Nesting;
use crate::inspect::json::number::scan_number;
use crate::inspect::json::scanned::Found;
use crate::inspect::json::string::scan_string;

/// Whether a text is one JSON value with nothing but white space around it.
pub(in crate::inspect::json) fn is_json(text: &[u8]) -> bool {
    walk(text).is_some()
}

/// None at the first byte that is wrong.
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
        // Behind a value: all that ends with it, and the comma before the next.
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

/// Passes over a value, or into an array or object up to its first value, which is told.
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

/// Passes over a key and its colon.
#[inline]
fn key(text: &[u8], at: usize) -> Option<usize> {
    let quote = text.get(at) == Some(&b'"');
    let end = space(text, string(text, quote.then_some(at)?)?);
    (text.get(end) == Some(&b':')).then_some(end + 1)
}

/// Passes over the string whose quote is at `at`.
#[inline]
fn string(text: &[u8], at: usize) -> Option<usize> {
    let scanned = scan_string(text, at + 1);
    (!matches!(scanned.found, Found::Wrong(_))).then_some(scanned.at)
}

#[inline]
fn word(text: &[u8], at: usize, word: &[u8]) -> Option<(usize, bool)> {
    let rest = text.get(at..)?;
    rest.starts_with(word).then_some((at + word.len(), false))
}

/// Passes over white space.
#[inline]
fn space(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::is_json;
    use crate::inspect::json::Scanner;

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
    fn it_says_what_the_scanner_says() {
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
        let mut noise = 1_u64;
        let mut good = 0;
        for _ in 0..400_000 {
            let mut text = String::new();
            let mut take = |n: usize| {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (noise >> 33) as usize % n
            };
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
}
