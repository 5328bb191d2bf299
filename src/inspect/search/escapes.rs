//! JSON escapes of characters beyond ASCII. A pattern that names such characters also searches the
//! unescaped text.

/// Returns true if a pattern may match a character beyond ASCII that it names.
pub(in crate::inspect) fn names_unicode(pattern: &str) -> bool {
    let named = ["\\p", "\\P", "\\u", "\\U", "\\x"];
    !pattern.is_ascii() || named.iter().any(|escape| pattern.contains(escape))
}

/// Returns true if a text has a numeric escape.
pub(in crate::inspect) fn has_escapes(text: &[u8]) -> bool {
    memchr::memmem::find(text, b"\\u").is_some()
}

/// Replaces escapes of characters beyond ASCII in a JSON row; `None` if it has none. Other escapes
/// and lone surrogates stay.
pub(in crate::inspect) fn unescaped(row: &[u8]) -> Option<Vec<u8>> {
    if !has_escapes(row) {
        return None;
    }
    let (mut result, mut rest, mut is_changed) = (Vec::with_capacity(row.len()), row, false);
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, escape) = rest.split_at_checked(at)?;
        result.extend_from_slice(before);
        let passed = match character(escape) {
            Some((c, bytes)) => {
                let mut buffer = [0; 4];
                result.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                is_changed = true;
                bytes
            }
            None => {
                let bytes = escape.len().min(2);
                result.extend_from_slice(escape.get(..bytes)?);
                bytes
            }
        };
        rest = escape.get(passed..)?;
    }
    result.extend_from_slice(rest);
    is_changed.then_some(result)
}

/// Decodes the escaped character beyond ASCII at the front, with the length of its escape.
fn character(escape: &[u8]) -> Option<(char, usize)> {
    let first = unit(escape)?;
    if let Some(c) = char::from_u32(u32::from(first)) {
        return (first >= 0x80).then_some((c, 6));
    }
    let second = unit(escape.get(6..)?)?;
    let c = char::decode_utf16([first, second]).next()?.ok()?;
    Some((c, 12))
}

/// Parses the unit of `\uXXXX`.
fn unit(escape: &[u8]) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = escape.first_chunk::<6>()? else {
        return None;
    };
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | digit as u16)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_unescapes_characters_beyond_ascii() {
        let of = |text: &str| unescaped(text.as_bytes()).map(|t| String::from_utf8(t).unwrap());
        assert_eq!(of(r#"{"a":"caf\u00e9"}"#).unwrap(), r#"{"a":"café"}"#);
        assert_eq!(
            of(r#"["\uD83D\uDE00\\u00e9\n"]"#).unwrap(),
            r#"["😀\\u00e9\n"]"#
        );
        for same in [
            r#"["\u0022\u005c"]"#,
            r#"["\ud83d x\ude00"]"#,
            r#"["\\u00e9"]"#,
            r#"["é"]"#,
            r#"["\u00"#,
            "\\",
        ] {
            assert_eq!(of(same), None, "{same}");
        }
    }

    #[test]
    fn pattern_naming_unicode_is_detected() {
        for named in ["é", r"\p{Greek}", r"\u{e9}", r"caf\xe9"] {
            assert!(names_unicode(named), "{named}");
        }
        for other in ["cafe", r"[a-z]+\d", r"\w"] {
            assert!(!names_unicode(other), "{other}");
        }
    }
}
