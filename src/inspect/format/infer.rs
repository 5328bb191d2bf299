//! Type inference for values without a schema: the narrowest type that fits all of them.

use std::collections::HashMap;

use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Fields;
use arrow_schema::Schema;
use arrow_schema::TimeUnit;

use crate::inspect::format::cell_type::CellType;
use crate::inspect::format::cell_type::TimestampForm;
use crate::inspect::format::cell_type::is_not_finite;
use crate::inspect::format::cell_type::look;
use crate::inspect::format::cell_type::timestamp_form;
use crate::wire::limits::SCHEMA_FIELDS_MAX;

/// Type of one value, or of all values of a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum InferredType {
    /// Only nulls, or no value yet.
    #[default]
    Null,
    Bool,
    Int,
    Float,
    /// Words such as `nan` and `inf`: numbers among numbers, otherwise text.
    NotFinite,
    Date,
    /// Timestamps in whole seconds.
    Time,
    /// Timestamps with fractions of a second.
    FineTime,
    Text,
    List(Box<InferredType>),
    Object(Object),
    /// Values without a common type, kept as text.
    Mixed,
}

/// Fields in order of first appearance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object {
    fields: Vec<(String, InferredType)>,
    places: HashMap<String, usize>,
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl Object {
    /// Merges a type into a field. Fields past the limit are dropped.
    pub(crate) fn add(&mut self, name: &str, shape: InferredType) {
        if let Some((_, field)) = self
            .places
            .get(name)
            .and_then(|at| self.fields.get_mut(*at))
        {
            field.merge(shape);
        } else if self.fields.len() < SCHEMA_FIELDS_MAX {
            self.places.insert(name.to_owned(), self.fields.len());
            self.fields.push((name.to_owned(), shape));
        }
    }

    fn arrow_fields(&self) -> Fields {
        // A part of the data cannot prove that a field is never null.
        let field =
            |(name, shape): &(String, InferredType)| Field::new(name, shape.data_type(), true);
        self.fields.iter().map(field).collect()
    }
}

impl InferredType {
    /// Widens the type to fit `other` too.
    pub(crate) fn merge(&mut self, other: Self) {
        let merged = match (std::mem::take(self), other) {
            (Self::Null, shape) | (shape, Self::Null) => shape,
            (Self::Int, Self::Float) | (Self::Float, Self::Int) => Self::Float,
            (Self::Int | Self::Float, Self::NotFinite)
            | (Self::NotFinite, Self::Int | Self::Float) => Self::Float,
            (Self::Date, Self::Time) | (Self::Time, Self::Date) => Self::Time,
            (Self::Date | Self::Time, Self::FineTime)
            | (Self::FineTime, Self::Date | Self::Time) => Self::FineTime,
            (Self::List(mut a), Self::List(b)) => {
                a.merge(*b);
                Self::List(a)
            }
            (Self::Object(mut a), Self::Object(b)) => {
                for (name, shape) in b.fields {
                    a.add(&name, shape);
                }
                Self::Object(a)
            }
            (a, b) if a == b => a,
            _ => Self::Mixed,
        };
        *self = merged;
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Null => DataType::Null,
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Timestamp(TimeUnit::Second, None),
            Self::FineTime => DataType::Timestamp(TimeUnit::Nanosecond, None),
            Self::Text | Self::NotFinite | Self::Mixed => DataType::Utf8,
            Self::List(item) => DataType::new_list(item.data_type(), true),
            Self::Object(object) => DataType::Struct(object.arrow_fields()),
        }
    }

    /// Returns the schema of rows of this type; `None` unless they are objects with fields.
    pub(crate) fn schema(&self) -> Option<Schema> {
        match self {
            Self::Object(object) if !object.fields.is_empty() => {
                Some(Schema::new(object.arrow_fields()))
            }
            _ => None,
        }
    }

    /// Infers the type of an unquoted cell; an empty cell has none.
    pub(crate) fn of_cell(cell: &[u8]) -> Self {
        if cell.is_empty() {
            return Self::Null;
        }
        // Writers of fixed-width columns pad numbers with spaces.
        let trimmed = cell.trim_ascii();
        match look(trimmed) {
            CellType::Bool(_) => Self::Bool,
            CellType::Number(is_whole) => {
                if is_whole && is_int(trimmed) {
                    Self::Int
                } else {
                    Self::Float
                }
            }
            CellType::Text if is_not_finite(trimmed) => Self::NotFinite,
            CellType::Text => match timestamp_form(trimmed) {
                Some(TimestampForm::Date) => Self::Date,
                Some(TimestampForm::Time) => Self::Time,
                Some(TimestampForm::FineTime) => Self::FineTime,
                None => Self::Text,
            },
        }
    }
}

/// Returns true if a whole number fits into 64 bits. `-0` does not, because integers have no
/// negative zero.
pub(crate) fn is_int(written: &[u8]) -> bool {
    let text = std::str::from_utf8(written).unwrap_or_default();
    text != "-0" && text.parse::<i64>().is_ok()
}
