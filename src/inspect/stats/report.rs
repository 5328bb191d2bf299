//! What statistics come to.

use std::cmp::Ordering;
use std::fmt;

use crate::inspect::stats::script::Script;

/// Figures of all rows and columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatsReport {
    /// Rows, without those that are blank where blank rows are none.
    pub rows: u64,
    /// Rows that are not what their format says. What stands before the error was counted.
    pub malformed: u64,
    /// Rows that are longer than `ROW_BYTES_MAX`, and were cut there.
    pub truncated: u64,
    /// Columns in the order in which rows show them.
    pub columns: Vec<ColumnStats>,
    /// About how many columns there are that no figures were kept of.
    pub further_columns: u64,
}

/// Figures of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnStats {
    /// Its path: keys with dots between them, and `[]` for the elements of an array.
    pub name: String,
    /// Rows that have it, though it may be null there.
    pub rows: u64,
    /// Rows that do not have it.
    pub missing: u64,
    /// The type of the column. Cells of delimited files that have no type in common are text.
    pub column_type: ColumnType,
    /// How many values there are of each type. Of elements of arrays there may be more than rows.
    pub types: TypeCounts,
    /// How many different values there are; null, arrays and objects are none.
    pub distinct: DistinctCount,
    /// Figures of its numbers.
    pub numbers: Option<NumberStats>,
    /// Figures of its texts.
    pub texts: Option<TextStats>,
    /// How many elements its arrays have.
    pub arrays: Option<LengthStats>,
    /// How many bytes its values have that are such.
    pub bytes: Option<LengthStats>,
    /// Its most frequent values, the most frequent first.
    pub top: Vec<TopValue>,
}

/// How many values are of each type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeCounts {
    /// Null, or an empty field.
    pub null: u64,
    /// True or false.
    pub bool: u64,
    /// Accumulator numbers of 64 bits, with or without a sign.
    pub int: u64,
    /// Other numbers, those that are none among them.
    pub float: u64,
    /// Of these, those that are NaN.
    pub nan: u64,
    /// Of these, infinities.
    pub infinite: u64,
    /// Texts; dates and points in time among them.
    pub text: u64,
    /// Bytes, of columnar files.
    pub binary: u64,
    /// Arrays.
    pub array: u64,
    /// Objects.
    pub object: u64,
}

/// The type of a column in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in the counts")]
pub enum ColumnType {
    Null,
    Bool,
    Int,
    /// Floats, or floats and ints.
    Float,
    Text,
    /// Dates, where the format has such.
    Date,
    /// Points in time, or these and dates.
    Timestamp,
    Binary,
    Array,
    Object,
    /// Several that have nothing in common.
    Mixed,
}

impl ColumnType {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Text => "text",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Binary => "binary",
            Self::Array => "array",
            Self::Object => "object",
            Self::Mixed => "mixed",
        }
    }
}

impl TypeCounts {
    /// How many values there are, nulls among them.
    pub fn all(&self) -> u64 {
        let single = self.null + self.bool + self.int + self.float + self.text + self.binary;
        single + self.array + self.object
    }

    /// The type that all values have, nulls aside.
    pub fn column_type(&self) -> ColumnType {
        let kinds = [
            (self.bool, ColumnType::Bool),
            (self.int + self.float, ColumnType::Int),
            (self.text, ColumnType::Text),
            (self.binary, ColumnType::Binary),
            (self.array, ColumnType::Array),
            (self.object, ColumnType::Object),
        ];
        let mut seen = kinds.iter().filter(|(count, _)| *count > 0);
        match (seen.next(), seen.next()) {
            (None, _) => ColumnType::Null,
            (Some((_, ColumnType::Int)), None) if self.float > 0 => ColumnType::Float,
            (Some((_, only)), None) => *only,
            (Some(_), Some(_)) => ColumnType::Mixed,
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.null += other.null;
        self.bool += other.bool;
        self.int += other.int;
        self.float += other.float;
        self.nan += other.nan;
        self.infinite += other.infinite;
        self.text += other.text;
        self.binary += other.binary;
        self.array += other.array;
        self.object += other.object;
    }
}

/// A number without loss where it is whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number of 64 bits, with or without a sign.
    Int(i128),
    /// Any other; finite.
    Float(f64),
}

impl Number {
    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Int(n) => n as f64,
            Self::Float(x) => x,
        }
    }

    /// The order of two; an integer and a float that are the same as doubles are the same.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (a, b) => a.to_f64().total_cmp(&b.to_f64()),
        }
    }

    /// The same bytes for the same value, `1` and `1.0` alike.
    pub(super) fn key(self) -> [u8; 16] {
        let whole = match self {
            Self::Int(n) => n,
            Self::Float(x) if x.fract() == 0.0 && x.abs() < 1e18 => x as i128,
            // No integer of 64 bits is as large.
            Self::Float(x) => i128::from(x.to_bits()) << 64 | 1,
        };
        whole.to_le_bytes()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => n.fmt(f),
            Self::Float(x) => x.fmt(f),
        }
    }
}

/// How many different values there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DistinctCount {
    /// As many.
    Exactly(u64),
    /// About as many, with a standard error of
    /// [`DISTINCT_ERROR`](crate::inspect::stats::DISTINCT_ERROR).
    About(u64),
}

impl DistinctCount {
    /// The number, exact or not.
    pub fn count(self) -> u64 {
        match self {
            Self::Exactly(n) | Self::About(n) => n,
        }
    }
}

/// Figures of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberStats {
    /// How many there are.
    pub count: u64,
    /// How many more there are that are beyond all doubles, with no part in these figures.
    pub beyond: u64,
    /// The least.
    pub min: Number,
    /// The greatest.
    pub max: Number,
    /// Their mean; none where it is beyond all doubles.
    pub mean: Option<f64>,
    /// Their standard deviation, as of a sample; none for fewer than two.
    pub stddev: Option<f64>,
    /// Their quantiles.
    pub quantiles: Vec<Quantile>,
    /// What a quantile may differ from the number that has that rank, as a share of it.
    pub quantile_error: f64,
    /// How they are spread, from the least to the greatest in parts of one width; a number next to
    /// a border may be counted on its other side, by the same error.
    pub histogram: Vec<Bin>,
}

/// The number with a share of all others before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile {
    /// The share, 0 to 1.
    pub share: f64,
    /// The number.
    pub value: f64,
}

/// How many numbers there are in a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The least that belongs to it.
    pub from: f64,
    /// Where the next begins. The last of all has its end in it.
    pub to: f64,
    /// How many belong to it.
    pub count: u64,
}

/// Figures of lengths.
#[derive(Clone, Debug, PartialEq)]
pub struct LengthStats {
    /// How many there are.
    pub count: u64,
    /// The least.
    pub min: u64,
    /// The greatest.
    pub max: u64,
    /// Of all together.
    pub sum: u64,
    /// Their mean.
    pub mean: f64,
    /// Their quantiles.
    pub quantiles: Vec<Quantile>,
    /// As of [`NumberStats`].
    pub quantile_error: f64,
    /// How they are spread: a bin for 0, and one for every power of two up to the next, exactly.
    pub histogram: Vec<Bin>,
}

/// Figures of texts.
#[derive(Clone, Debug, PartialEq)]
pub struct TextStats {
    /// Their lengths in characters, which are code points.
    pub lengths: LengthStats,
    /// How many have no character.
    pub empty: u64,
    /// How many are ASCII alone.
    pub ascii: u64,
    /// How many of their characters are ASCII.
    pub ascii_characters: u64,
    /// How many are not UTF-8. Each run of such bytes is one character.
    pub not_utf8: u64,
    /// How many characters there are of each script that there is, the most frequent first.
    pub scripts: Vec<(Script, u64)>,
    /// The first in the order of bytes, or its beginning.
    pub first: String,
    /// The last, in the same way.
    pub last: String,
    /// The earliest and the latest, where all of them are dates or points in time as ISO 8601 writes
    /// them.
    pub times: Option<(String, String)>,
}

/// A value that is frequent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopValue {
    /// How it is written, or the beginning of that.
    pub text: String,
    /// Whether it is longer.
    pub is_cut: bool,
    /// It is there at least so often.
    pub at_least: u64,
    /// And at most so often.
    pub at_most: u64,
}
