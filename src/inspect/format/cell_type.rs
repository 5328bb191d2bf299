//! Types of delimited cells. Schemas, statistics and searches all take them from here, so they
//! agree.

/// Type of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellType {
    /// `true` or `false` in lower case, in upper case, or capitalised.
    Bool(bool),
    /// A number; true if it is written as an integer.
    Number(bool),
    /// Any other cell.
    Text,
}

/// Returns the type of a cell. Digits with a leading zero are a code, not a number.
pub(crate) fn look(cell: &[u8]) -> CellType {
    match cell {
        b"true" | b"True" | b"TRUE" => return CellType::Bool(true),
        b"false" | b"False" | b"FALSE" => return CellType::Bool(false),
        _ => {}
    }
    let unsigned = match cell {
        [b'+' | b'-', rest @ ..] => rest,
        rest => rest,
    };
    let (whole, rest) = digits(unsigned);
    if let [b'0', _, ..] = whole {
        return CellType::Text;
    }
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => digits(rest),
        rest => (&[][..], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return CellType::Text;
    }
    match rest {
        [] => CellType::Number(whole.len() == unsigned.len()),
        [b'e' | b'E', b'+' | b'-', power @ ..] | [b'e' | b'E', power @ ..] => match digits(power) {
            ([_, ..], []) => CellType::Number(false),
            _ => CellType::Text,
        },
        _ => CellType::Text,
    }
}

/// Returns true for a word for a number that is not finite: `nan`, `inf` or `infinity`, in lower
/// case, upper case, capitalised, or as `NaN`, with an optional sign. It counts as a number only in
/// a column of numbers; elsewhere it is text.
pub(crate) fn is_not_finite(cell: &[u8]) -> bool {
    let unsigned = match cell {
        [b'+' | b'-', rest @ ..] => rest,
        rest => rest,
    };
    matches!(
        unsigned,
        b"nan"
            | b"NaN"
            | b"Nan"
            | b"NAN"
            | b"inf"
            | b"Inf"
            | b"INF"
            | b"infinity"
            | b"Infinity"
            | b"INFINITY"
    )
}

/// Form of a date or a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimestampForm {
    /// A date such as `2020-01-31`.
    Date,
    /// `2020-01-31 23:59:59`, with a space or `T`, and an optional final `Z`.
    Time,
    /// A timestamp with a fraction of a second.
    FineTime,
}

/// Returns the form of a date or timestamp; `None` if the calendar does not have it.
pub(crate) fn timestamp_form(cell: &[u8]) -> Option<TimestampForm> {
    let (date, rest) = cell.split_at_checked(10)?;
    if !fits(date, b"dddd-dd-dd") || !is_day(date) {
        return None;
    }
    let rest = match rest {
        [] => return Some(TimestampForm::Date),
        [b'T' | b' ', rest @ ..] => rest,
        _ => return None,
    };
    let (time, rest) = rest.split_at_checked(8)?;
    if !fits(time, b"dd:dd:dd") || !is_time(time) {
        return None;
    }
    match rest.strip_suffix(b"Z").unwrap_or(rest) {
        [] => Some(TimestampForm::Time),
        [b'.', digits @ ..] => {
            let is_fraction = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
            is_fraction.then_some(TimestampForm::FineTime)
        }
        _ => None,
    }
}

/// Matches a text against a pattern: `d` stands for a digit, other characters for themselves.
fn fits(text: &[u8], pattern: &[u8]) -> bool {
    let fit = |(b, p): (&u8, &u8)| match p {
        b'd' => b.is_ascii_digit(),
        p => b == p,
    };
    text.len() == pattern.len() && text.iter().zip(pattern).all(fit)
}

/// Returns true if the calendar has this day.
fn is_day(date: &[u8]) -> bool {
    let (year, month, day) = (number(date, 0, 4), number(date, 5, 7), number(date, 8, 10));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn is_time(time: &[u8]) -> bool {
    number(time, 0, 2) < 24 && number(time, 3, 5) < 60 && number(time, 6, 8) < 60
}

/// Parses a run of digits.
fn number(text: &[u8], from: usize, to: usize) -> u32 {
    let digits = text.get(from..to).unwrap_or_default().iter();
    digits.fold(0, |n, digit| n * 10 + u32::from(digit.wrapping_sub(b'0')))
}

/// Splits off the leading digits.
fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let is_other = |b: &u8| !b.is_ascii_digit();
    let count = bytes.iter().position(is_other).unwrap_or(bytes.len());
    bytes.split_at_checked(count).unwrap_or((bytes, &[]))
}
