//! Days and points in time as ISO 8601 writes them.

/// A day, or a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect) enum Time {
    /// Days since 1970-01-01.
    Day(i32),
    /// A point in time.
    Point {
        /// It is written with `Z`.
        is_utc: bool,
        /// When.
        at: Instant,
    },
}

impl Time {
    /// Seconds since 1970-01-01T00:00:00 and nanoseconds, to put times in order; a day is at its
    /// beginning.
    pub(in crate::inspect) fn order(self) -> (i64, u32) {
        match self {
            Self::Day(days) => (i64::from(days) * 86_400, 0),
            Self::Point { at, .. } => (at.seconds, at.nanoseconds),
        }
    }
}

/// Seconds since 1970-01-01T00:00:00, and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect) struct Instant {
    seconds: i64,
    nanoseconds: u32,
}

impl Instant {
    /// Whether it has parts of a microsecond.
    pub(in crate::inspect) fn is_fine(self) -> bool {
        !self.nanoseconds.is_multiple_of(1000)
    }

    /// In whole microseconds.
    pub(in crate::inspect) fn microseconds(self) -> Option<i64> {
        let whole = self.seconds.checked_mul(1_000_000)?;
        whole.checked_add(i64::from(self.nanoseconds / 1000))
    }

    /// In nanoseconds; none where 64 bits do not hold them.
    pub(in crate::inspect) fn nanoseconds(self) -> Option<i64> {
        let whole = self.seconds.checked_mul(1_000_000_000)?;
        whole.checked_add(i64::from(self.nanoseconds))
    }
}

impl Time {
    /// `2020-01-31`, `2020-01-31 23:59:59` and the same with `T`, with up to nine digits of a
    /// second's fraction, and with `Z`. None for what no calendar has.
    pub(in crate::inspect) fn read(text: &[u8]) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date else {
            return None;
        };
        let year = number(&[y1, y2, y3, y4])?;
        let (month, day) = (number(&[m1, m2])?, number(&[d1, d2])?);
        let days = days(i64::from(year), month, day)?;
        let rest = match rest {
            [] => return i32::try_from(days).ok().map(Self::Day),
            [b'T' | b' ', rest @ ..] => rest,
            _ => return None,
        };
        let (time, rest) = rest.split_at_checked(8)?;
        let &[h1, h2, b':', n1, n2, b':', s1, s2] = time else {
            return None;
        };
        let (hour, minute) = (number(&[h1, h2])?, number(&[n1, n2])?);
        let second = number(&[s1, s2])?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let (rest, is_utc) = match rest.strip_suffix(b"Z") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let nanoseconds = match rest {
            [] => 0,
            [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
                let power = 9_u32.checked_sub(u32::try_from(digits.len()).ok()?)?;
                number(digits)?.checked_mul(10_u32.pow(power))?
            }
            _ => return None,
        };
        let seconds = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
        Some(Self::Point {
            is_utc,
            at: Instant {
                seconds,
                nanoseconds,
            },
        })
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    let all = digits.iter().all(u8::is_ascii_digit);
    all.then(|| std::str::from_utf8(digits).ok()?.parse().ok())
        .flatten()
}

/// Days since 1970-01-01 (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days(year: i64, month: u32, day: u32) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = i64::from((153 * ((month + 9) % 12) + 2) / 5 + day - 1);
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some(era * 146_097 + days - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_a_calendar_has_them() {
        let of = |text: &str| Time::read(text.as_bytes());
        assert_eq!(of("1970-01-01"), Some(Time::Day(0)));
        assert_eq!(of("2000-02-29"), Some(Time::Day(11_016)));
        assert_eq!(of("0001-01-01"), Some(Time::Day(-719_162)));
        assert_eq!(of("1900-02-29"), None);
        assert_eq!(of("2020-13-01"), None);
        let Some(Time::Point { is_utc: true, at }) = of("1969-12-31T23:59:59.25Z") else {
            panic!("a time");
        };
        assert_eq!(at.microseconds(), Some(-750_000));
        assert_eq!(of("2020-01-01 24:00:00"), None);
        assert_eq!(of("2020-01-01 10:00"), None);
    }
}
