//! What a cell of a delimited file looks like. Every part of the program that gives types to cells
//! decides here, so that a schema, statistics and a search agree.

/// A type that a cell may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// `true` or `false`, all small, all capital, or with a capital in front.
    Bool(bool),
    /// A number; whether it is written as a whole one.
    Number(bool),
    /// Anything else.
    Text,
}

/// What a cell looks like. Digits with a zero before them are no number: such cells are codes,
/// whose zeros say something.
pub(crate) fn look(cell: &[u8]) -> Look {
    match cell {
        b"true" | b"True" | b"TRUE" => return Look::Bool(true),
        b"false" | b"False" | b"FALSE" => return Look::Bool(false),
        _ => {}
    }
    let unsigned = match cell {
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

/// Whether a cell is a word for a number that is not finite: `nan`, `inf` or `infinity`, all small,
/// all capital, with a capital in front or as `NaN`, with a sign or none. It is a number only in a
/// column of numbers; elsewhere it is text.
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

/// A date, or a time of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// `2020-01-31`.
    Date,
    /// `2020-01-31 23:59:59` or the same with `T`, and `Z` at its end or none.
    Time,
    /// The same with a fraction of a second.
    FineTime,
}

/// The date or time that a cell says, where the calendar has it.
pub(crate) fn moment(cell: &[u8]) -> Option<Moment> {
    let (date, rest) = cell.split_at_checked(10)?;
    if !fits(date, b"dddd-dd-dd") || !is_day(date) {
        return None;
    }
    let rest = match rest {
        [] => return Some(Moment::Date),
        [b'T' | b' ', rest @ ..] => rest,
        _ => return None,
    };
    let (time, rest) = rest.split_at_checked(8)?;
    if !fits(time, b"dd:dd:dd") || !is_time(time) {
        return None;
    }
    match rest.strip_suffix(b"Z").unwrap_or(rest) {
        [] => Some(Moment::Time),
        [b'.', digits @ ..] => {
            let is_fraction = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
            is_fraction.then_some(Moment::FineTime)
        }
        _ => None,
    }
}

/// Whether a text has digits where the pattern has `d`, and its other characters elsewhere.
fn fits(text: &[u8], pattern: &[u8]) -> bool {
    let fit = |(b, p): (&u8, &u8)| match p {
        b'd' => b.is_ascii_digit(),
        p => b == p,
    };
    text.len() == pattern.len() && text.iter().zip(pattern).all(fit)
}

/// Whether there is such a day.
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

/// The number that these digits say.
fn number(text: &[u8], from: usize, to: usize) -> u32 {
    let digits = text.get(from..to).unwrap_or_default().iter();
    digits.fold(0, |n, digit| n * 10 + u32::from(digit.wrapping_sub(b'0')))
}

/// The digits in front, and what follows them.
fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let is_other = |b: &u8| !b.is_ascii_digit();
    let count = bytes.iter().position(is_other).unwrap_or(bytes.len());
    bytes.split_at_checked(count).unwrap_or((bytes, &[]))
}
