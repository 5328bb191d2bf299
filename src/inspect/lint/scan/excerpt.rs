//! Showing a piece of a row. Reports are passed on, so whatever looks like a secret is masked, also
//! in the excerpts of rules that look for something else.

/// Bytes shown before and behind a place.
const BEFORE: usize = 20;
const BEHIND: usize = 44;
/// Characters of a word from which on it may be a key, and how many of those are shown.
const WORD_BYTES: usize = 16;
const SHOWN: usize = 4;

/// What stands around a place of a row, on one line.
pub(in crate::inspect::lint) fn excerpt(row: &[u8], at: usize) -> String {
    let at = at.min(row.len());
    let mut start = at.saturating_sub(BEFORE);
    let mut end = (at + BEHIND).min(row.len());
    // A word that begins or ends outside must be seen whole to be judged.
    while start > 0 && at - start < 4 * BEFORE && before_is_word(row, start) {
        start -= 1;
    }
    while end < row.len() && end - at < 4 * BEHIND && row.get(end).is_some_and(is_word_byte) {
        end += 1;
    }
    while start > 0 && row.get(start).is_some_and(|b| b & 0xc0 == 0x80) {
        start -= 1;
    }
    while row.get(end).is_some_and(|b| b & 0xc0 == 0x80) {
        end += 1;
    }
    let piece = row.get(start..end).unwrap_or_default();
    let mut out = String::new();
    if start > 0 {
        out.push('…');
    }
    mask_into(piece, &mut out);
    if end < row.len() {
        out.push('…');
    }
    out
}

/// The same text with words masked that may be keys or parts of addresses.
fn mask_into(mut text: &[u8], out: &mut String) {
    while !text.is_empty() {
        let word = text.iter().take_while(|b| is_word_byte(b)).count();
        if word == 0 {
            let other = text.iter().take_while(|b| !is_word_byte(b)).count();
            let (other, rest) = text.split_at_checked(other).unwrap_or((text, b""));
            show(other, out);
            text = rest;
            continue;
        }
        let (word, rest) = text.split_at_checked(word).unwrap_or((text, b""));
        if may_be_secret(word) || rest.first() == Some(&b'@') {
            out.push_str(&match rest.first() {
                Some(b'@') => masked_contact(word),
                _ => masked(word),
            });
        } else {
            show(word, out);
        }
        text = rest;
    }
}

/// The first characters of something, and how long it is.
pub(in crate::inspect::lint) fn masked(secret: &[u8]) -> String {
    let shown = match secret.len() {
        WORD_BYTES.. => SHOWN,
        _ => 1,
    };
    masked_behind(secret, shown)
}

/// The first of somebody's name or number, and how long it is.
pub(in crate::inspect::lint) fn masked_contact(contact: &[u8]) -> String {
    masked_behind(contact, 1)
}

fn masked_behind(secret: &[u8], shown: usize) -> String {
    let mut out = String::new();
    show(secret.get(..shown).unwrap_or_default(), &mut out);
    out.push_str(&format!("***({})", secret.len()));
    out
}

fn may_be_secret(word: &[u8]) -> bool {
    let has_digit = word.iter().any(u8::is_ascii_digit);
    let has_letter = word.iter().any(u8::is_ascii_alphabetic);
    word.len() >= WORD_BYTES && has_digit && has_letter
}

fn before_is_word(row: &[u8], start: usize) -> bool {
    row.get(start - 1).is_some_and(is_word_byte)
}

fn is_word_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'.')
}

fn show(bytes: &[u8], out: &mut String) {
    for c in String::from_utf8_lossy(bytes).chars() {
        // Marks that turn the direction of text would turn that of the report.
        let is_hidden = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        out.push(if is_hidden { '\u{b7}' } else { c });
    }
}
