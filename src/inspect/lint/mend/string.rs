//! Mends of JSON strings. Characters that stay are written as before.

use crate::inspect::json::Text;
use crate::inspect::lint::mend::Mend;
use crate::inspect::lint::mend::Mended;
use crate::inspect::lint::mend::text::change;
use crate::inspect::lint::mend::text::mended;

/// Mends a string, given as written without its quotes.
pub(super) fn mended_string(mend: Mend, raw: &[u8]) -> Mended {
    if memchr::memchr(b'\\', raw).is_none() {
        return mended(mend, raw);
    }
    let text = Text {
        raw,
        is_escaped: true,
    };
    let mut content = Vec::new();
    // Lone surrogates have three bytes of their own, and no mend looks at them.
    let _ = text.content_into(&mut content);
    let found = change(mend, &content);
    if found.removed.is_empty() && found.front.is_empty() && found.back.is_empty() {
        return match found.is_left {
            true => Mended::Left,
            false => Mended::Sound,
        };
    }
    let mut out = found.front;
    let mut removed = found.removed.iter().peekable();
    let (mut raw_at, mut at) = (0, 0);
    while raw_at < raw.len() {
        let (raw_length, length) = unit(raw.get(raw_at..).unwrap_or_default());
        while removed.peek().is_some_and(|range| range.end <= at) {
            removed.next();
        }
        let is_removed = removed.peek().is_some_and(|range| range.start <= at);
        if !is_removed {
            let unit = raw.get(raw_at..raw_at + raw_length);
            out.extend_from_slice(unit.unwrap_or_default());
        }
        raw_at += raw_length;
        at += length;
    }
    out.extend_from_slice(&found.back);
    Mended::New(out, found.is_left)
}

/// Returns the written and the unescaped length of the next character or byte.
fn unit(rest: &[u8]) -> (usize, usize) {
    let Some(unit) = escaped_unit(rest) else {
        // Other escapes are of one byte, as is a byte as it is.
        return (if rest.first() == Some(&b'\\') { 2 } else { 1 }, 1);
    };
    let next = escaped_unit(rest.get(6..).unwrap_or_default());
    let pair = char::decode_utf16([Some(unit), next].into_iter().flatten()).next();
    match pair {
        Some(Ok(c)) if c.len_utf16() == 2 => (12, 4),
        Some(Ok(c)) => (6, c.len_utf8()),
        _ => (6, 3),
    }
}

/// Reads an escape `\uXXXX`.
fn escaped_unit(rest: &[u8]) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = rest.first_chunk::<6>()? else {
        return None;
    };
    let digits = std::str::from_utf8(digits).ok()?;
    u16::from_str_radix(digits, 16).ok()
}
