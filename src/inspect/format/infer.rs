//! Types of values that carry no schema: the least type that fits everything seen.

use std::collections::HashMap;

use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Fields;
use arrow_schema::Schema;
use arrow_schema::TimeUnit;

use crate::inspect::format::cell_type::Look;
use crate::inspect::format::cell_type::Moment;
use crate::inspect::format::cell_type::is_not_finite;
use crate::inspect::format::cell_type::look;
use crate::inspect::format::cell_type::moment;
use crate::wire::limits::SCHEMA_FIELDS_MAX;

/// The type of a value, or of all the values seen in one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Shape {
    /// Only null, or nothing yet.
    #[default]
    Null,
    Bool,
    Int,
    Float,
    /// Words such as `nan` and `inf`: numbers where the other values are numbers, else text.
    NotFinite,
    Date,
    /// Whole seconds.
    Time,
    /// Fractions of seconds.
    FineTime,
    Text,
    List(Box<Shape>),
    Object(Object),
    /// Values that have no type in common; kept as their text.
    Mixed,
}

/// Fields in the order they were first seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object {
    fields: Vec<(String, Shape)>,
    places: HashMap<String, usize>,
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl Object {
    /// Adds what was seen in a field. Fields past the limit are left out.
    pub(crate) fn add(&mut self, name: &str, shape: Shape) {
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
        let field = |(name, shape): &(String, Shape)| Field::new(name, shape.data_type(), true);
        self.fields.iter().map(field).collect()
    }
}

impl Shape {
    /// The least type that also fits `other`.
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

    /// The schema of rows of this type; `None` when they are not objects with fields.
    pub(crate) fn schema(&self) -> Option<Schema> {
        match self {
            Self::Object(object) if !object.fields.is_empty() => {
                Some(Schema::new(object.arrow_fields()))
            }
            _ => None,
        }
    }

    /// The type of a cell as it is written, but for quotes; one that is empty says nothing.
    pub(crate) fn of_cell(cell: &[u8]) -> Self {
        if cell.is_empty() {
            return Self::Null;
        }
        // Those who write numbers in columns of one width put spaces beside them.
        let trimmed = cell.trim_ascii();
        match look(trimmed) {
            Look::Bool(_) => Self::Bool,
            Look::Number(is_whole) => match is_whole && is_int(trimmed) {
                true => Self::Int,
                false => Self::Float,
            },
            Look::Text if is_not_finite(trimmed) => Self::NotFinite,
            Look::Text => match moment(trimmed) {
                Some(Moment::Date) => Self::Date,
                Some(Moment::Time) => Self::Time,
                Some(Moment::FineTime) => Self::FineTime,
                None => Self::Text,
            },
        }
    }
}

/// Whether a whole number is an integer of 64 bits. `-0` is a number that integers have not.
pub(crate) fn is_int(written: &[u8]) -> bool {
    let text = std::str::from_utf8(written).unwrap_or_default();
    text != "-0" && text.parse::<i64>().is_ok()
}
