//! Type inference for output columns. A type is used only if every value survives the round trip.

use crate::inspect::format::cell_type::CellType;
use crate::inspect::format::cell_type::look;
use crate::inspect::format::times::Time;
use crate::inspect::table::Cell;
use crate::inspect::table::Shape;

/// Set of the kinds of values in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KindSet(u32);

/// Output type of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColumnKind {
    /// No values.
    #[default]
    Nothing,
    /// True and false.
    Bool,
    /// Signed 64-bit integers.
    Int,
    /// Unsigned 64-bit integers, at least one beyond the signed range.
    Unsigned,
    /// 64-bit floating-point numbers.
    Float,
    /// Dates without a time.
    Date,
    /// Timestamps without a zone or in UTC, in microseconds or nanoseconds.
    Time {
        /// True if they are written with `Z`.
        is_utc: bool,
        /// True if some are finer than a microsecond.
        is_fine: bool,
    },
    /// Texts, or values without a common type. Arrays and objects become JSON text.
    Text,
}

impl KindSet {
    const BOOL: Self = Self(1);
    const NEGATIVE: Self = Self(1 << 1);
    const POSITIVE: Self = Self(1 << 2);
    /// An integer beyond the signed 64-bit range, but within the unsigned one.
    const LARGE: Self = Self(1 << 3);
    /// An integer without an exact double.
    const WIDE: Self = Self(1 << 4);
    const REAL: Self = Self(1 << 5);
    /// NaN or an infinity, as a number.
    const NAN: Self = Self(1 << 6);
    /// A word such as `nan` in a delimited file; it is a number only among numbers.
    const NAN_WORD: Self = Self(1 << 7);
    const DATE: Self = Self(1 << 8);
    const LOCAL_TIME: Self = Self(1 << 9);
    const UTC_TIME: Self = Self(1 << 10);
    /// A timestamp finer than a microsecond.
    const FINE: Self = Self(1 << 11);
    /// A timestamp beyond the range of nanoseconds.
    const FAR: Self = Self(1 << 12);
    /// A text, a number beyond all types, an array or an object.
    const TEXT: Self = Self(1 << 13);

    /// Union of both sets.
    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    /// Kind of a value in a row of a shape.
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
            // As in DuckDB, an empty quoted field is null in a typed column.
            _ if field.is_empty() => Self::default(),
            CellType::Bool(_) => Self::BOOL,
            CellType::Number(_) => Self::of_number(field),
            CellType::Text if nan_word(field).is_some() => Self::NAN_WORD,
            CellType::Text => match Time::read(field) {
                Some(Time::Day(_)) => Self::DATE,
                Some(Time::Point { is_utc, at }) => {
                    let zone = if is_utc {
                        Self::UTC_TIME
                    } else {
                        Self::LOCAL_TIME
                    };
                    let fine = if at.is_fine() {
                        Self::FINE
                    } else {
                        Self::default()
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
            let sign = if n < 0 {
                Self::NEGATIVE
            } else {
                Self::POSITIVE
            };
            return match n.unsigned_abs() {
                0..=EXACT_MAX => sign,
                _ if (n as f64) as i128 == i128::from(n) => sign,
                _ => sign.with(Self::WIDE),
            };
        }
        if let Ok(n) = text.parse::<u64>() {
            return if (n as f64) as i128 == i128::from(n) {
                Self::LARGE
            } else {
                Self::LARGE.with(Self::WIDE)
            };
        }
        let is_integer = raw
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+'));
        if raw != b"-0" && is_integer || !is_double(text) {
            // A number that no double holds stays text.
            Self::TEXT
        } else {
            Self::REAL
        }
    }

    /// Returns the type that holds all values.
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
            return if is_mixed || is_fine && self.has(Self::FAR) {
                ColumnKind::Text
            } else {
                ColumnKind::Time { is_utc, is_fine }
            };
        }
        if !self.has(numbers) {
            return ColumnKind::Nothing;
        }
        let has_number = self.has(integers.with(Self::REAL).with(Self::NAN));
        if self.has(Self::REAL.with(Self::NAN).with(Self::NAN_WORD)) {
            return if self.has(Self::WIDE) || !has_number {
                ColumnKind::Text
            } else {
                ColumnKind::Float
            };
        }
        match (self.has(Self::LARGE), self.has(Self::NEGATIVE)) {
            (false, _) => ColumnKind::Int,
            (true, false) => ColumnKind::Unsigned,
            (true, true) => ColumnKind::Text,
        }
    }
}

/// All integers up to this one are exact doubles.
const EXACT_MAX: u64 = 1 << 53;

/// Returns the number for a word such as `nan` or `inf`.
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

/// Returns true if a decimal number equals its shortest double representation.
fn is_double(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    // Up to 15 digits always survive, away from the limits of doubles.
    if digits <= 15 && !text.contains(['e', 'E']) {
        return true;
    }
    let Ok(double) = text.parse::<f64>() else {
        return false;
    };
    double.is_finite() && decimal(text) == decimal(&format!("{double:e}"))
}

/// Digits of a number without zeros at either end, and the power of ten of the last digit; no
/// digits for zero.
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
        let kinds = fields.iter().map(|f| KindSet::of_field(f.as_bytes()));
        kinds.fold(KindSet::default(), KindSet::with).column()
    }

    #[test]
    fn output_column_has_narrowest_lossless_type() {
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
