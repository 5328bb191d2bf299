//! Types of values, and their names in configurations.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow_schema::Field;
use arrow_schema::TimeUnit;

use crate::features::limits::LIST_VALUES_MAX;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataType {
    /// A truth value.
    Bool,
    /// A single-precision number.
    Float32,
    /// A double-precision number.
    Float64,
    /// A signed integer of 8 bits.
    Int8,
    /// A signed integer of 16 bits.
    Int16,
    /// A signed integer of 32 bits.
    Int32,
    /// A signed integer of 64 bits.
    Int64,
    /// A list of this many values of a number type: an embedding.
    List(Number, u32),
    /// Microseconds since 1970-01-01, in UTC.
    Timestamp,
    /// An unsigned integer of 8 bits.
    UInt8,
    /// An unsigned integer of 16 bits.
    UInt16,
    /// An unsigned integer of 32 bits.
    UInt32,
    /// An unsigned integer of 64 bits.
    UInt64,
    /// A text.
    Utf8,
}

/// A type of numbers, for the values of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Number {
    /// A single-precision number.
    Float32,
    /// A double-precision number.
    Float64,
    /// A signed integer of 8 bits.
    Int8,
    /// A signed integer of 16 bits.
    Int16,
    /// A signed integer of 32 bits.
    Int32,
    /// A signed integer of 64 bits.
    Int64,
    /// An unsigned integer of 8 bits.
    UInt8,
    /// An unsigned integer of 16 bits.
    UInt16,
    /// An unsigned integer of 32 bits.
    UInt32,
    /// An unsigned integer of 64 bits.
    UInt64,
}

/// The types without lists, by their names.
const NAMES: [(&str, DataType); 13] = [
    ("bool", DataType::Bool),
    ("float32", DataType::Float32),
    ("float64", DataType::Float64),
    ("int8", DataType::Int8),
    ("int16", DataType::Int16),
    ("int32", DataType::Int32),
    ("int64", DataType::Int64),
    ("timestamp", DataType::Timestamp),
    ("uint8", DataType::UInt8),
    ("uint16", DataType::UInt16),
    ("uint32", DataType::UInt32),
    ("uint64", DataType::UInt64),
    ("utf8", DataType::Utf8),
];

impl Number {
    /// Returns the type of a single value.
    pub fn single(self) -> DataType {
        match self {
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Int8 => DataType::Int8,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::UInt8 => DataType::UInt8,
            Self::UInt16 => DataType::UInt16,
            Self::UInt32 => DataType::UInt32,
            Self::UInt64 => DataType::UInt64,
        }
    }
}

impl DataType {
    /// Returns the names of all types without lists.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Returns the type as one of numbers; `None` for texts, truth values, times and lists.
    pub fn number(self) -> Option<Number> {
        Some(match self {
            Self::Float32 => Number::Float32,
            Self::Float64 => Number::Float64,
            Self::Int8 => Number::Int8,
            Self::Int16 => Number::Int16,
            Self::Int32 => Number::Int32,
            Self::Int64 => Number::Int64,
            Self::UInt8 => Number::UInt8,
            Self::UInt16 => Number::UInt16,
            Self::UInt32 => Number::UInt32,
            Self::UInt64 => Number::UInt64,
            Self::Bool | Self::List(..) | Self::Timestamp | Self::Utf8 => return None,
        })
    }

    /// Returns a list of this many values; `None` if the values are no numbers, or their number is 0 or too large.
    pub fn list(self, length: u32) -> Option<Self> {
        let number = self.number()?;
        (1..=LIST_VALUES_MAX)
            .contains(&length)
            .then_some(Self::List(number, length))
    }

    /// Returns true for the types of keys: integers and texts.
    pub fn is_key(self) -> bool {
        !matches!(
            self,
            Self::Bool | Self::Float32 | Self::Float64 | Self::List(..) | Self::Timestamp
        )
    }

    /// Returns the bytes of a value; `None` for texts.
    pub(crate) fn width(self) -> Option<usize> {
        Some(match self {
            Self::Bool | Self::Int8 | Self::UInt8 => 1,
            Self::Int16 | Self::UInt16 => 2,
            Self::Float32 | Self::Int32 | Self::UInt32 => 4,
            Self::Float64 | Self::Int64 | Self::Timestamp | Self::UInt64 => 8,
            Self::List(number, length) => {
                let one = number.single().width()?;
                usize::try_from(length).ok()?.checked_mul(one)?
            }
            Self::Utf8 => return None,
        })
    }

    /// Returns the Arrow type of answers.
    pub fn arrow(self) -> arrow_schema::DataType {
        use arrow_schema::DataType as Arrow;
        match self {
            Self::Bool => Arrow::Boolean,
            Self::Float32 => Arrow::Float32,
            Self::Float64 => Arrow::Float64,
            Self::Int8 => Arrow::Int8,
            Self::Int16 => Arrow::Int16,
            Self::Int32 => Arrow::Int32,
            Self::Int64 => Arrow::Int64,
            Self::List(number, length) => {
                let item = Field::new("item", number.single().arrow(), true);
                Arrow::FixedSizeList(Arc::new(item), i32::try_from(length).unwrap_or(i32::MAX))
            }
            Self::Timestamp => Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::UInt8 => Arrow::UInt8,
            Self::UInt16 => Arrow::UInt16,
            Self::UInt32 => Arrow::UInt32,
            Self::UInt64 => Arrow::UInt64,
            Self::Utf8 => Arrow::Utf8,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::List(number, length) = self {
            return write!(f, "{}[{length}]", number.single());
        }
        let found = NAMES.iter().find(|(_, known)| known == self);
        f.write_str(found.map_or("", |(name, _)| name))
    }
}

/// The text names no type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a type")]
pub struct NoDataType;

impl FromStr for DataType {
    type Err = NoDataType;

    /// Reads a name, also of a list, such as `float32[128]`.
    fn from_str(text: &str) -> Result<Self, NoDataType> {
        if let Some((single, rest)) = text.split_once('[') {
            let length = rest.strip_suffix(']').ok_or(NoDataType)?;
            let length = length.parse().map_err(|_| NoDataType)?;
            let single: Self = single.parse()?;
            return single.list(length).ok_or(NoDataType);
        }
        let found = NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, known)| *known).ok_or(NoDataType)
    }
}
