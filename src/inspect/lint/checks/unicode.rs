//! Characters that should not be in text, and characters that were once others.

use crate::inspect::lint::RuleId;

/// Shows what is wrong with the characters of a text: the rule, the byte and the character's code
/// point. The text need not be UTF-8.
pub(in crate::inspect::lint) fn each_odd(text: &[u8], mut found: impl FnMut(RuleId, usize, u32)) {
    // First bytes of the characters that are looked at.
    let leads = memchr::memchr3_iter(0xc2, 0xc3, 0xe2, text);
    for at in leads.chain(memchr::memchr2_iter(0xef, 0xf3, text)) {
        if let Some(code) = tag_at(text, at) {
            if !is_of_flag(text, at) {
                found(RuleId::TagCharacter, at, code);
            }
            continue;
        }
        let Some((code, length)) = code_at(text, at) else {
            continue;
        };
        let rule = match code {
            0x80..=0x9f => Some(RuleId::ControlCharacter),
            0xfffd => Some(RuleId::ReplacementCharacter),
            0xfeff if at == 0 => None,
            0x200b | 0x2060 | 0xfeff => Some(RuleId::ZeroWidth),
            0x200c | 0x200d if joins_ascii(text, at, length) => Some(RuleId::ZeroWidth),
            0x2028 | 0x2029 => Some(RuleId::LineSeparator),
            0x202a..=0x202e | 0x2066..=0x2069 => Some(RuleId::BidiControl),
            0xc2..=0xf4 if is_mojibake(text, at, code) => Some(RuleId::Mojibake),
            _ => None,
        };
        if let Some(rule) = rule {
            found(rule, at, code);
        }
    }
}

/// The tag character (U+E0000 to U+E007F) that begins here.
fn tag_at(text: &[u8], at: usize) -> Option<u32> {
    match text.get(at..)? {
        [0xf3, 0xa0, a @ 0x80..=0x81, b @ 0x80..=0xbf, ..] => {
            Some(0xe0000 | u32::from(a & 1) << 6 | u32::from(b & 0x3f))
        }
        _ => None,
    }
}

/// Whether the tags before lead back to a black flag: those of England, Scotland and Wales are
/// written so, with six tags at most behind it.
fn is_of_flag(text: &[u8], at: usize) -> bool {
    let mut at = at;
    for _ in 0..8 {
        let Some(before) = at.checked_sub(4) else {
            return false;
        };
        if text.get(before..at) == Some("\u{1f3f4}".as_bytes()) {
            return true;
        }
        if tag_at(text, before).is_none() {
            return false;
        }
        at = before;
    }
    false
}

/// Between characters of scripts that join them and between parts of an emoji, a joiner belongs.
fn joins_ascii(text: &[u8], at: usize, length: usize) -> bool {
    let is_ascii = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii);
    is_ascii(at.checked_sub(1).and_then(|n| text.get(n))) && is_ascii(text.get(at + length))
}

/// The code point of two or three bytes that begins here, and how many these are.
fn code_at(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let low = |byte: &u8| u32::from(byte & 0x3f);
    match text.get(at..)? {
        [a @ 0xc2..=0xdf, b @ 0x80..=0xbf, ..] => Some((u32::from(a & 0x1f) << 6 | low(b), 2)),
        [a @ 0xe0..=0xef, b @ 0x80..=0xbf, c @ 0x80..=0xbf, ..] => {
            Some((u32::from(a & 0xf) << 12 | low(b) << 6 | low(c), 3))
        }
        _ => None,
    }
}

/// The byte that a character is in Windows-1252, where that is 80 to bf; those that Windows leaves
/// free are as in Latin-1.
fn continuation_at(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let (code, length) = code_at(text, at)?;
    if let Ok(byte @ 0x80..=0xbf) = u8::try_from(code) {
        return Some((byte, length));
    }
    let n = WINDOWS_1252.iter().position(|c| *c == code)?;
    Some((0x80 + u8::try_from(n).ok()?, length))
}

/// Whether the characters from here on are one character of UTF-8 as bytes. Only beginnings are
/// taken that are rare in text that is right: Latin letters with accents and punctuation are what
/// is mostly lost, and a German sharp s or a French e with an accent before a closing quote must
/// not be taken for one.
fn is_mojibake(text: &[u8], at: usize, code: u32) -> bool {
    let next = |at: usize| continuation_at(text, at);
    let Some((second, length)) = next(at + 2) else {
        return false;
    };
    match code {
        // U+0080 to U+00FF. A capital with a tilde or circumflex ends no word.
        0xc2 | 0xc3 => true,
        // U+2000 to U+203F and U+2080 to U+20FF: dashes, quotes, currencies.
        0xe2 => matches!(second, 0x80 | 0x82) && next(at + 2 + length).is_some(),
        // The byte order mark and full width forms.
        0xef => matches!(second, 0xbb | 0xbc) && next(at + 2 + length).is_some(),
        // Emoji.
        0xf0 => second == 0x9f && next(at + 2 + length).is_some(),
        // Cyrillic: two letters that follow each other.
        0xd0 | 0xd1 => {
            let third = code_at(text, at + 2 + length);
            third.is_some_and(|(c, n)| {
                matches!(c, 0xd0 | 0xd1) && next(at + 2 + length + n).is_some()
            })
        }
        _ => false,
    }
}

/// What 80 to 9f are in Windows-1252 (Unicode's table CP1252.TXT); 0 where they are nothing.
const WINDOWS_1252: [u32; 32] = [
    0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039,
    0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc,
    0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178,
];
