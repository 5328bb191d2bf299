//! Report types of the statistics.

use std::cmp::Ordering;
use std::fmt;

use crate::inspect::stats::script::Script;

/// Statistics of all rows and columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatsReport {
    /// Number of rows; blank lines do not count in formats that ignore them.
    pub rows: u64,
    /// Number of rows that violate their format. Values before the error are counted.
    pub malformed: u64,
    /// Number of rows longer than `ROW_BYTES_MAX`, cut there.
    pub truncated: u64,
    /// Columns in order of appearance.
    pub columns: Vec<ColumnStats>,
    /// Estimated number of further columns without statistics.
    pub further_columns: u64,
}

/// Statistics of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnStats {
    /// Path: keys with dots between them, and `[]` for array elements.
    pub name: String,
    /// Number of rows with the column, nulls included.
    pub rows: u64,
    /// Number of rows without it.
    pub missing: u64,
    /// Type of the column. Cells without a common type are text.
    pub column_type: ColumnType,
    /// Number of values per type. Array elements may outnumber the rows.
    pub types: TypeCounts,
    /// Number of distinct values, without nulls, arrays and objects.
    pub distinct: DistinctCount,
    /// Numbers whose value is larger than every double, such as `1e400`. They count in no other figure.
    pub beyond: u64,
    /// Statistics of its numbers.
    pub numbers: Option<NumberStats>,
    /// Statistics of its texts.
    pub texts: Option<TextStats>,
    /// Lengths of its arrays, in elements.
    pub arrays: Option<LengthStats>,
    /// Lengths of its binary values, in bytes.
    pub bytes: Option<LengthStats>,
    /// Most frequent values, in descending order.
    pub top: Vec<TopValue>,
}

/// Number of values per type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeCounts {
    /// Null, or an empty field.
    pub null: u64,
    /// True or false.
    pub bool: u64,
    /// Integers of 64 bits, signed or unsigned.
    pub int: u64,
    /// Other numbers, NaN and infinities included.
    pub float: u64,
    /// NaN values among the floats.
    pub nan: u64,
    /// Infinities among the floats.
    pub infinite: u64,
    /// Texts, dates and timestamps included.
    pub text: u64,
    /// Binary values of columnar files.
    pub binary: u64,
    /// Number of arrays.
    pub array: u64,
    /// Number of objects.
    pub object: u64,
}

/// Type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in the counts")]
pub enum ColumnType {
    Null,
    Bool,
    Int,
    /// Floats, or floats and integers.
    Float,
    Text,
    /// Dates, in a format that has them.
    Date,
    /// Timestamps, or timestamps and dates.
    Timestamp,
    Binary,
    Array,
    Object,
    /// Types without a common type.
    Mixed,
}

impl ColumnType {
    /// Name of the type.
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
    /// Total number of values, nulls included.
    pub fn all(&self) -> u64 {
        let single = self.null + self.bool + self.int + self.float + self.text + self.binary;
        single + self.array + self.object
    }

    /// Returns the common type of all values except nulls.
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

/// A number; integers are exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A 64-bit integer, signed or unsigned.
    Int(i128),
    /// Any other finite number.
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

    /// Compares two numbers; an integer equals a float with the same double.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (a, b) => a.to_f64().total_cmp(&b.to_f64()),
        }
    }

    /// Key with equal bytes for equal values, such as `1` and `1.0`.
    pub(super) fn key(self) -> [u8; 16] {
        let whole = match self {
            Self::Int(n) => n,
            Self::Float(x) if x.fract() == 0.0 && x.abs() < 1e18 => x as i128,
            // No 64-bit integer collides with it.
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

/// Number of distinct values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DistinctCount {
    /// The exact number.
    Exactly(u64),
    /// An estimate with a standard error of
    /// [`DISTINCT_ERROR`](crate::inspect::stats::DISTINCT_ERROR).
    About(u64),
}

impl DistinctCount {
    /// The number, exact or estimated.
    pub fn count(self) -> u64 {
        match self {
            Self::Exactly(n) | Self::About(n) => n,
        }
    }
}

/// Statistics of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberStats {
    /// Number of values.
    pub count: u64,
    /// Least value.
    pub min: Number,
    /// Greatest value.
    pub max: Number,
    /// Mean; `None` beyond the range of doubles.
    pub mean: Option<f64>,
    /// Sample standard deviation; `None` for fewer than two values.
    pub stddev: Option<f64>,
    /// Their quantiles.
    pub quantiles: Vec<Quantile>,
    /// Relative error bound of a quantile, against the number of that rank.
    pub quantile_error: f64,
    /// Histogram with bins of equal width. A number near a boundary may fall on the other side,
    /// within the same error.
    pub histogram: Vec<Bin>,
}

/// The number at a share of the sorted values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile {
    /// Share of the values below it, 0 to 1.
    pub share: f64,
    /// The number.
    pub value: f64,
}

/// A bin of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Lower bound, inclusive.
    pub from: f64,
    /// Upper bound, exclusive; inclusive for the last bin.
    pub to: f64,
    /// Number of values.
    pub count: u64,
}

/// Statistics of lengths.
#[derive(Clone, Debug, PartialEq)]
pub struct LengthStats {
    /// Number of values.
    pub count: u64,
    /// Least value.
    pub min: u64,
    /// Greatest value.
    pub max: u64,
    /// Sum of all.
    pub sum: u64,
    /// Mean of the lengths.
    pub mean: f64,
    /// Their quantiles.
    pub quantiles: Vec<Quantile>,
    /// Relative error bound, as in [`NumberStats`].
    pub quantile_error: f64,
    /// Exact histogram: a bin for 0, and one from each power of two to the next.
    pub histogram: Vec<Bin>,
}

/// Statistics of texts.
#[derive(Clone, Debug, PartialEq)]
pub struct TextStats {
    /// Lengths in characters, that is code points.
    pub lengths: LengthStats,
    /// Number of empty texts.
    pub empty: u64,
    /// Number of texts of ASCII only.
    pub ascii: u64,
    /// Number of ASCII characters.
    pub ascii_characters: u64,
    /// Number of texts with invalid UTF-8. Each invalid run counts as one character.
    pub not_utf8: u64,
    /// Number of characters per script, the most frequent first.
    pub scripts: Vec<(Script, u64)>,
    /// First text in byte order, or its beginning.
    pub first: String,
    /// Last text in byte order, or its beginning.
    pub last: String,
    /// Earliest and latest, if all texts are ISO 8601 dates or timestamps.
    pub times: Option<(String, String)>,
}

/// A frequent value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopValue {
    /// Text of the value, or its beginning.
    pub text: String,
    /// True if the text is cut.
    pub is_cut: bool,
    /// Lower bound of its count.
    pub at_least: u64,
    /// Upper bound of its count.
    pub at_most: u64,
}
