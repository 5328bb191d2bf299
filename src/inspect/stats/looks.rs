//! What a field of a delimited file looks like.

/// A type that a field may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect) enum Look {
    /// `true` or `false`, all small, all capital, or with a capital in front.
    Bool(bool),
    /// A number; whether it is written as a whole one.
    Number(bool),
    /// Anything else.
    Text,
}

/// What a field looks like. Digits with a zero before them are no number: such fields are codes,
/// whose zeros say something.
pub(in crate::inspect) fn look(field: &[u8]) -> Look {
    match field {
        b"true" | b"True" | b"TRUE" => return Look::Bool(true),
        b"false" | b"False" | b"FALSE" => return Look::Bool(false),
        _ => {}
    }
    let unsigned = match field {
        [b'+' | b'-', rest @ ..] => rest,
        rest => rest,
    };
    let (whole, rest) = digits(unsigned);
    if let [b'0', _, ..] = whole {
        return Look::Text;
    }
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => digits(rest),
        rest => (&[][..], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Look::Text;
    }
    match rest {
        [] => Look::Number(whole.len() == unsigned.len()),
        [b'e' | b'E', b'+' | b'-', power @ ..] | [b'e' | b'E', power @ ..] => match digits(power) {
            ([_, ..], []) => Look::Number(false),
            _ => Look::Text,
        },
        _ => Look::Text,
    }
}

/// The digits in front, and what follows them.
fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let is_other = |b: &u8| !b.is_ascii_digit();
    let count = bytes.iter().position(is_other).unwrap_or(bytes.len());
    bytes.split_at_checked(count).unwrap_or((bytes, &[]))
}
