//! Escapes of JSON that say something a rule looks for. Text without them is looked at as it is
//! written, which saves taking every string apart.

/// Whether a text has an escape for a character that the rules of text look for, or for one that
/// needs no escape and so may be part of something that is looked for.
pub(in crate::inspect::lint) fn has_odd_escape(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let escape = rest.get(at..).unwrap_or_default();
        let passed = match escape {
            [_, b'b' | b'f', ..] => return true,
            [_, b'u', digits @ ..] => match unit(digits) {
                // Of these pairs, some are invisible tags.
                Some(0xdb40) if is_low(digits.get(4..)) => return true,
                Some(0xd800..=0xdbff) if is_low(digits.get(4..)) => 12,
                Some(unit) if is_odd(unit) => return true,
                _ => 6,
            },
            _ => 2,
        };
        rest = escape.get(passed..).unwrap_or_default();
    }
    false
}

fn is_odd(unit: u16) -> bool {
    match unit {
        // Tab, line feed, carriage return, quote, backslash: what is escaped anyway.
        0x9 | 0xa | 0xd | 0x22 | 0x5c => false,
        0..=0x9f => true,
        0xc2 | 0xc3 | 0xd0 | 0xd1 | 0xe2 | 0xef | 0xf0 => true,
        0x200b..=0x200d | 0x202a..=0x202e | 0x2060 | 0x2066..=0x2069 | 0xfeff | 0xfffd => true,
        0xd800..=0xdfff => true,
        _ => false,
    }
}

fn is_low(behind: Option<&[u8]>) -> bool {
    match behind {
        Some([b'\\', b'u', digits @ ..]) => matches!(unit(digits), Some(0xdc00..=0xdfff)),
        _ => false,
    }
}

/// Four hexadecimal digits.
fn unit(digits: &[u8]) -> Option<u16> {
    let four = digits.first_chunk::<4>()?;
    four.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}
