//! Mends of rows that are not JSON, where only one reading is possible.

use crate::inspect::json::Scanner;
use crate::inspect::json::validate;
use crate::inspect::json::write::text_into;
use crate::inspect::lint::mend::Mended;

/// Words of Python, and those of JSON.
const WORDS: [(&[u8], &[u8]); 3] = [(b"True", b"true"), (b"False", b"false"), (b"None", b"null")];

/// Mends a row, if it is JSON then.
pub(super) fn mended(row: &[u8]) -> Mended {
    if is_accepted(row) || row.trim_ascii().is_empty() {
        return Mended::Sound;
    }
    let row = row.strip_prefix(b"\xef\xbb\xbf").unwrap_or(row);
    let new = rewritten(row);
    match validate(&new) {
        Ok(()) => Mended::New(new, false),
        Err(_) => Mended::Left,
    }
}

/// Returns true for JSON, also with numbers that are not finite, which another rule reports.
fn is_accepted(row: &[u8]) -> bool {
    let mut scanner = Scanner::with_nan(row);
    loop {
        match scanner.next_event() {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

fn rewritten(row: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(row.len());
    let mut rest = row;
    while let Some((byte, behind)) = rest.split_first() {
        if *byte == b'"' {
            rest = string(behind, &mut out);
            continue;
        }
        let next = behind.trim_ascii_start().first();
        let is_spare = *byte == b',' && matches!(next, None | Some(b'}' | b']'));
        let word = WORDS.iter().find(|(word, _)| is_word(&out, rest, word));
        if let Some((word, right)) = word {
            out.extend_from_slice(right);
            rest = rest.get(word.len()..).unwrap_or_default();
            continue;
        }
        if !is_spare {
            out.push(*byte);
        }
        rest = behind;
    }
    out
}

/// Returns true if a word stands here alone.
fn is_word(before: &[u8], rest: &[u8], word: &[u8]) -> bool {
    let is_letter = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let behind = rest.strip_prefix(word);
    behind.is_some_and(|behind| !is_letter(behind.first()) && !is_letter(before.last()))
}

/// Copies a string, with its control characters escaped. Returns the text behind it.
fn string<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    out.push(b'"');
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'"' => {
                out.push(b'"');
                return rest;
            }
            b'\\' => {
                out.push(b'\\');
                if let Some((escaped, behind)) = rest.split_first() {
                    out.push(*escaped);
                    rest = behind;
                }
            }
            0..0x20 => {
                let mut escaped = Vec::new();
                text_into(&[*byte], &mut escaped);
                let inside = escaped
                    .strip_prefix(b"\"")
                    .and_then(|e| e.strip_suffix(b"\""));
                out.extend_from_slice(inside.unwrap_or_default());
            }
            _ => out.push(*byte),
        }
    }
    rest
}
