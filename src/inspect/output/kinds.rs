//! Which type a column gets when values of text become values of a type. A type is used only if
//! every value of the column survives the way back.

use crate::inspect::format::cell_type::Look;
use crate::inspect::format::cell_type::look;
use crate::inspect::format::times::Time;
use crate::inspect::table::Cell;
use crate::inspect::table::Shape;

/// The kinds of values that a column has, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds(u32);

/// What a column is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColumnKind {
    /// There are no values.
    #[default]
    Nothing,
    /// True and false.
    Bool,
    /// Integers of 64 bits with a sign.
    Int,
    /// Integers of 64 bits without a sign, some of them beyond those with one.
    Unsigned,
    /// Floating-point numbers of 64 bits.
    Float,
    /// Days.
    Date,
    /// Points in time, without a zone or in UTC, in microseconds or nanoseconds.
    Time {
        /// They are written with `Z`.
        is_utc: bool,
        /// Some have parts of a microsecond.
        is_fine: bool,
    },
    /// Texts, or values that have no type in common; arrays and objects are JSON text.
    Text,
}

impl Kinds {
    const BOOL: Self = Self(1);
    const NEGATIVE: Self = Self(1 << 1);
    const POSITIVE: Self = Self(1 << 2);
    /// An integer beyond those of 64 bits with a sign, but not of those without.
    const LARGE: Self = Self(1 << 3);
    /// An integer that no double is.
    const WIDE: Self = Self(1 << 4);
    const REAL: Self = Self(1 << 5);
    /// NaN or an infinity, as a number.
    const NAN: Self = Self(1 << 6);
    /// The same as a word of a delimited file, which is a number beside numbers alone.
    const NAN_WORD: Self = Self(1 << 7);
    const DATE: Self = Self(1 << 8);
    const LOCAL_TIME: Self = Self(1 << 9);
    const UTC_TIME: Self = Self(1 << 10);
    /// A time with parts of a microsecond.
    const FINE: Self = Self(1 << 11);
    /// A time that cannot be told in nanoseconds.
    const FAR: Self = Self(1 << 12);
    /// Anything that is text, a number that no type holds, an array or an object.
    const TEXT: Self = Self(1 << 13);

    /// The kinds of both.
    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    /// The kind of a value in a row of a shape.
    pub(super) fn of(shape: &Shape, cell: &Cell<'_>) -> Self {
        match cell {
            Cell::Null => Self::default(),
            Cell::Bool(_) => Self::BOOL,
            Cell::Number(raw) => Self::of_number(raw),
            Cell::Nested(_) => Self::TEXT,
            Cell::Text(text) => match shape {
                Shape::Delimited(_) => Self::of_field(text),
                Shape::Json | Shape::Text => Self::TEXT,
            },
        }
    }

    fn of_field(field: &[u8]) -> Self {
        match look(field) {
            // As DuckDB reads it, a quoted field without text is nothing beside values of a type.
            _ if field.is_empty() => Self::default(),
            Look::Bool(_) => Self::BOOL,
            Look::Number(_) => Self::of_number(field),
            Look::Text if nan_word(field).is_some() => Self::NAN_WORD,
            Look::Text => match Time::read(field) {
                Some(Time::Day(_)) => Self::DATE,
                Some(Time::Point { is_utc, at }) => {
                    let zone = match is_utc {
                        true => Self::UTC_TIME,
                        false => Self::LOCAL_TIME,
                    };
                    let fine = match at.is_fine() {
                        true => Self::FINE,
                        false => Self::default(),
                    };
                    let far = match at.nanoseconds() {
                        None => Self::FAR,
                        Some(_) => Self::default(),
                    };
                    zone.with(fine).with(far)
                }
                None => Self::TEXT,
            },
        }
    }

    fn of_number(raw: &[u8]) -> Self {
        if matches!(raw, b"NaN" | b"Infinity" | b"-Infinity") {
            return Self::NAN;
        }
        let Ok(text) = std::str::from_utf8(raw) else {
            return Self::TEXT;
        };
        // No integer is `-0`.
        if raw != b"-0"
            && let Ok(n) = text.parse::<i64>()
        {
            let sign = match n < 0 {
                true => Self::NEGATIVE,
                false => Self::POSITIVE,
            };
            return match n.unsigned_abs() {
                0..=EXACT_MAX => sign,
                _ if (n as f64) as i128 == i128::from(n) => sign,
                _ => sign.with(Self::WIDE),
            };
        }
        if let Ok(n) = text.parse::<u64>() {
            return match (n as f64) as i128 == i128::from(n) {
                true => Self::LARGE,
                false => Self::LARGE.with(Self::WIDE),
            };
        }
        let is_integer = raw
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+'));
        match raw != b"-0" && is_integer || !is_double(text) {
            // What a double cannot hold stays as it is written.
            true => Self::TEXT,
            false => Self::REAL,
        }
    }

    /// The type that holds all values.
    pub(super) fn column(self) -> ColumnKind {
        let integers = Self::NEGATIVE.with(Self::POSITIVE).with(Self::LARGE);
        let numbers = integers
            .with(Self::REAL)
            .with(Self::NAN)
            .with(Self::NAN_WORD);
        let times = Self::LOCAL_TIME.with(Self::UTC_TIME);
        let families = [Self::BOOL, numbers, Self::DATE, times];
        if self.has(Self::TEXT) || families.iter().filter(|f| self.has(**f)).count() > 1 {
            return ColumnKind::Text;
        }
        if self.has(Self::BOOL) {
            return ColumnKind::Bool;
        }
        if self.has(Self::DATE) {
            return ColumnKind::Date;
        }
        if self.has(times) {
            let (is_utc, is_fine) = (self.has(Self::UTC_TIME), self.has(Self::FINE));
            let is_mixed = is_utc && self.has(Self::LOCAL_TIME);
            return match is_mixed || is_fine && self.has(Self::FAR) {
                true => ColumnKind::Text,
                false => ColumnKind::Time { is_utc, is_fine },
            };
        }
        if !self.has(numbers) {
            return ColumnKind::Nothing;
        }
        let has_number = self.has(integers.with(Self::REAL).with(Self::NAN));
        if self.has(Self::REAL.with(Self::NAN).with(Self::NAN_WORD)) {
            return match self.has(Self::WIDE) || !has_number {
                true => ColumnKind::Text,
                false => ColumnKind::Float,
            };
        }
        match (self.has(Self::LARGE), self.has(Self::NEGATIVE)) {
            (false, _) => ColumnKind::Int,
            (true, false) => ColumnKind::Unsigned,
            (true, true) => ColumnKind::Text,
        }
    }
}

/// All integers up to it are doubles.
const EXACT_MAX: u64 = 1 << 53;

/// The number that a word stands for which is none.
pub(super) fn nan_word(word: &[u8]) -> Option<f64> {
    let (sign, rest) = match word {
        [b'-', rest @ ..] => (-1.0, rest),
        [b'+', rest @ ..] => (1.0, rest),
        rest => (1.0, rest),
    };
    if word.eq_ignore_ascii_case(b"nan") {
        return Some(f64::NAN);
    }
    let is_infinite = rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity");
    is_infinite.then_some(sign * f64::INFINITY)
}

/// Whether a decimal number, written with a double's shortest digits, is the same number.
fn is_double(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    // So many digits always survive, far from the ends of what doubles can be.
    if digits <= 15 && !text.contains(['e', 'E']) {
        return true;
    }
    let Ok(double) = text.parse::<f64>() else {
        return false;
    };
    double.is_finite() && decimal(text) == decimal(&format!("{double:e}"))
}

/// The digits of a number without zeros at either end, and the power of ten of the last; no digits
/// for zero.
fn decimal(text: &str) -> Option<(Vec<u8>, i64)> {
    let text = text.trim_start_matches(['+', '-']);
    let (mantissa, power) = match text.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.bytes().chain(fraction.bytes());
    let digits: Vec<u8> = digits.skip_while(|b| *b == b'0').collect();
    let kept = digits.iter().rposition(|b| *b != b'0').map_or(0, |n| n + 1);
    if kept == 0 {
        return Some((Vec::new(), 0));
    }
    let dropped = i64::try_from(digits.len() - kept).ok()?;
    let power = power.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let power = power.checked_add(dropped)?;
    Some((digits.get(..kept)?.to_vec(), power))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column_of(fields: &[&str]) -> ColumnKind {
        let kinds = fields.iter().map(|f| Kinds::of_field(f.as_bytes()));
        kinds.fold(Kinds::default(), Kinds::with).column()
    }

    #[test]
    fn column_of_fields_is_the_least_type_that_keeps_every_value() {
        let local = ColumnKind::Time {
            is_utc: false,
            is_fine: false,
        };
        for (fields, kind) in [
            (&["1", "-5", "+7"][..], ColumnKind::Int),
            (&["1", "18446744073709551615"], ColumnKind::Unsigned),
            (&["-1", "18446744073709551615"], ColumnKind::Text),
            (&["1", "99999999999999999999"], ColumnKind::Text),
            (&["1", "2.50", "1e3"], ColumnKind::Float),
            (&["9007199254740993"], ColumnKind::Int),
            (&["9007199254740993", "0.5"], ColumnKind::Text),
            (&["9007199254740992", "0.5"], ColumnKind::Float),
            (&["3.14159265358979323846"], ColumnKind::Text),
            (&["3.141592653589793"], ColumnKind::Float),
            (&["1e400"], ColumnKind::Text),
            (&["1e-400"], ColumnKind::Text),
            (&["02139", "12345"], ColumnKind::Text),
            (&["007.1"], ColumnKind::Text),
            (&["nan", "1.5"], ColumnKind::Float),
            (&["nan", "Nan"], ColumnKind::Text),
            (&["nan", "nanny"], ColumnKind::Text),
            (&["true", "FALSE"], ColumnKind::Bool),
            (&["true", "1"], ColumnKind::Text),
            (&["2020-02-29", "1999-12-31"], ColumnKind::Date),
            (&["2021-02-29"], ColumnKind::Text),
            (&["2020-02-29 10:00:00", "2020-02-29T10:00:00.5"], local),
            (
                &["2020-02-29 10:00:00", "2020-02-29T10:00:00Z"],
                ColumnKind::Text,
            ),
            (&["2020-02-29", "2020-02-29T10:00:00"], ColumnKind::Text),
            (&["", "5"], ColumnKind::Int),
            (&["", ""], ColumnKind::Nothing),
            (&[" 5"], ColumnKind::Text),
        ] {
            assert_eq!(column_of(fields), kind, "{fields:?}");
        }
    }
}
