//! The strings of a JSON row: found by path, shortened, masked.

use std::borrow::Cow;

use crate::inspect::json::Event;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::Span;
use crate::inspect::json::Text;

/// A string that was shortened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Path of the string, such as `messages[3].content`; empty for the whole row.
    pub(crate) field: String,
    /// Its length in characters.
    pub(crate) chars: u64,
}

/// An open object or array on the way to a value.
struct Level {
    /// Length of the path of the object or array itself.
    path_bytes: usize,
    /// Number of the next element of an array; `None` for an object.
    next: Option<u64>,
}

/// Passes each string value of a row to `each`, with its path and its span without quotes.
///
/// # Errors
/// The first syntax error.
pub(crate) fn each_string<'a>(
    row: &'a [u8],
    each: &mut dyn FnMut(&str, Span, &Text<'a>),
) -> Result<(), ScanError> {
    let mut scanner = Scanner::with_nan(row);
    let (mut path, mut levels) = (String::new(), Vec::<Level>::new());
    while let Some(event) = scanner.next_event()? {
        match event {
            Event::ObjectEnd | Event::ArrayEnd => {
                if let Some(level) = levels.pop() {
                    path.truncate(level.path_bytes);
                }
                continue;
            }
            Event::Key(key) => {
                let level = levels.last().map_or(0, |l| l.path_bytes);
                path.truncate(level);
                if level > 0 {
                    path.push('.');
                }
                path += &content(&key);
                continue;
            }
            _ => {}
        }
        if let Some(Level {
            path_bytes,
            next: Some(next),
        }) = levels.last_mut()
        {
            path.truncate(*path_bytes);
            path += &format!("[{next}]");
            *next += 1;
        }
        match event {
            Event::Object | Event::Array => levels.push(Level {
                path_bytes: path.len(),
                next: matches!(event, Event::Array).then_some(0),
            }),
            Event::String(text) => {
                let start = scanner.token_at() + 1;
                let end = start + text.raw.len();
                each(&path, Span { start, end }, &text);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the unescaped content of a string. A lone surrogate becomes U+FFFD.
pub(crate) fn content<'a>(text: &Text<'a>) -> Cow<'a, str> {
    if !text.is_escaped {
        return String::from_utf8_lossy(text.raw);
    }
    let mut buffer = String::new();
    // The buffer holds the whole text in either case.
    let _ = text.unescape_into(&mut buffer);
    Cow::Owned(buffer)
}

/// Returns the string at a path of a row; `None` if there is none.
pub(crate) fn string_at(row: &[u8], wanted: &str) -> Option<String> {
    let mut found = None;
    // A syntax error ends the scan; strings before it are found.
    let _ = each_string(row, &mut |path, _, text| {
        if found.is_none() && path == wanted {
            found = Some(content(text).into_owned());
        }
    });
    found
}

/// Shortens the middle of a text to about `most` characters.
pub(crate) fn shorten(text: &str, most: usize) -> Option<String> {
    let chars = text.chars().count();
    if chars <= most {
        return None;
    }
    let head = most * 3 / 4;
    let tail = most - head;
    let front: String = text.chars().take(head).collect();
    let back: String = text.chars().skip(chars - tail).collect();
    Some(format!("{front} …[{} characters]… {back}", chars - most))
}

/// Rewrites the strings of a row: each that is longer than `most` characters is shortened, and each
/// that `mask` changes is replaced. Text that is no JSON is treated as one string.
pub(crate) fn rewrite(
    row: &str,
    most: usize,
    mask: &dyn Fn(&str) -> Option<String>,
) -> (String, Vec<Cut>) {
    let mut cuts = Vec::new();
    let mut pieces: Vec<(Span, String)> = Vec::new();
    let scanned = each_string(row.as_bytes(), &mut |path, span, text| {
        let content = content(text);
        let masked = mask(&content);
        let whole = masked.as_deref().unwrap_or(&content);
        let short = shorten(whole, most);
        if short.is_some() {
            cuts.push(Cut {
                field: path.to_owned(),
                chars: whole.chars().count() as u64,
            });
        }
        if let Some(new) = short.or(masked) {
            let quoted = serde_json::Value::String(new).to_string();
            let inside = quoted.strip_prefix('"').unwrap_or(&quoted);
            let inside = inside.strip_suffix('"').unwrap_or(inside);
            pieces.push((span, inside.to_owned()));
        }
    });
    if scanned.is_err() {
        return rewrite_plain(row, most, mask);
    }
    let (mut new, mut at) = (String::with_capacity(row.len().min(1 << 20)), 0);
    for (span, piece) in pieces {
        new += row.get(at..span.start).unwrap_or_default();
        new += &piece;
        at = span.end;
    }
    new += row.get(at..).unwrap_or_default();
    (new, cuts)
}

/// Rewrites a row as one string.
pub(crate) fn rewrite_plain(
    row: &str,
    most: usize,
    mask: &dyn Fn(&str) -> Option<String>,
) -> (String, Vec<Cut>) {
    let masked = mask(row);
    let whole = masked.as_deref().unwrap_or(row);
    match shorten(whole, most) {
        Some(short) => {
            let cut = Cut {
                field: String::new(),
                chars: whole.chars().count() as u64,
            };
            (short, vec![cut])
        }
        None => (whole.to_owned(), Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::rewrite;
    use super::string_at;

    fn keep(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn string_is_found_by_path_with_array_places() {
        let row = br#"{"id":1,"messages":[{"role":"user","content":"a\nb"},["x","y"]],"t":"z"}"#;
        assert_eq!(string_at(row, "messages[0].content").unwrap(), "a\nb");
        assert_eq!(string_at(row, "messages[1][1]").unwrap(), "y");
        assert_eq!(string_at(row, "t").unwrap(), "z");
        assert_eq!(string_at(row, "id"), None);
    }

    #[test]
    fn long_string_is_shortened_and_row_stays_json() {
        let long = "é\"".repeat(500);
        let row = serde_json::json!({"a": long, "b": [1, 2.5], "c": "short"}).to_string();
        let (short, cuts) = rewrite(&row, 40, &keep);
        let value: serde_json::Value = serde_json::from_str(&short).unwrap();
        assert_eq!(value["c"], "short");
        assert!(value["a"].as_str().unwrap().chars().count() < 80);
        assert_eq!(
            (cuts.len(), cuts[0].field.as_str(), cuts[0].chars),
            (1, "a", 1000)
        );
    }

    #[test]
    fn numbers_of_row_keep_their_text() {
        let row = r#"{"n": 123456789012345678901234567890, "e": 1e400, "s": "xxxxxxxxxxxxxxxx"}"#;
        let (short, _) = rewrite(row, 8, &keep);
        assert!(short.starts_with(r#"{"n": 123456789012345678901234567890, "e": 1e400, "#));
    }

    #[test]
    fn masked_string_is_replaced() {
        let mask = |text: &str| text.contains("key").then(|| "[masked]".to_owned());
        let (new, cuts) = rewrite(r#"{"a":"the key","b":"x"}"#, 100, &mask);
        assert_eq!(new, r#"{"a":"[masked]","b":"x"}"#);
        assert!(cuts.is_empty());
        assert_eq!(rewrite("no json, a key", 100, &mask).0, "[masked]");
    }

    #[test]
    fn row_of_quotes_keeps_its_outer_characters() {
        let (new, _) = rewrite(r#"["\"\"\"\"\"\"\"\"\"\"\"\""]"#, 4, &keep);
        serde_json::from_str::<serde_json::Value>(&new).unwrap();
    }
}
