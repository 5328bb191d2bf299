//! Characters beyond ASCII that JSON has as escapes: a pattern that names such characters is looked
//! for in what the escapes say as well.

/// Whether a pattern may match a character beyond ASCII that it names.
pub(in crate::inspect) fn names_unicode(pattern: &str) -> bool {
    let named = ["\\p", "\\P", "\\u", "\\U", "\\x"];
    !pattern.is_ascii() || named.iter().any(|escape| pattern.contains(escape))
}

/// Whether a text has an escape of a character by its number.
pub(in crate::inspect) fn has_escapes(text: &[u8]) -> bool {
    memchr::memmem::find(text, b"\\u").is_some()
}

/// A row of JSON with characters beyond ASCII in place of their escapes; none where it has no such.
/// Other escapes stay, and so do halves of characters.
pub(in crate::inspect) fn unescaped(row: &[u8]) -> Option<Vec<u8>> {
    if !has_escapes(row) {
        return None;
    }
    let (mut said, mut rest, mut is_changed) = (Vec::with_capacity(row.len()), row, false);
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, escape) = rest.split_at_checked(at)?;
        said.extend_from_slice(before);
        let passed = match character(escape) {
            Some((c, bytes)) => {
                let mut buffer = [0; 4];
                said.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                is_changed = true;
                bytes
            }
            None => {
                let bytes = escape.len().min(2);
                said.extend_from_slice(escape.get(..bytes)?);
                bytes
            }
        };
        rest = escape.get(passed..)?;
    }
    said.extend_from_slice(rest);
    is_changed.then_some(said)
}

/// The character beyond ASCII whose escape is in front, and how long that is.
fn character(escape: &[u8]) -> Option<(char, usize)> {
    let first = unit(escape)?;
    if let Some(c) = char::from_u32(u32::from(first)) {
        return (first >= 0x80).then_some((c, 6));
    }
    let second = unit(escape.get(6..)?)?;
    let c = char::decode_utf16([first, second]).next()?.ok()?;
    Some((c, 12))
}

/// The unit of `\uXXXX`.
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
    fn escapes_of_characters_beyond_ascii_are_replaced() {
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
    fn patterns_that_name_such_characters_are_known() {
        for named in ["é", r"\p{Greek}", r"\u{e9}", r"caf\xe9"] {
            assert!(names_unicode(named), "{named}");
        }
        for other in ["cafe", r"[a-z]+\d", r"\w"] {
            assert!(!names_unicode(other), "{other}");
        }
    }
}
