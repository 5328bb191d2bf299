//! Types of values that carry no schema: the least type that fits everything seen.

use std::collections::HashMap;

use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Fields;
use arrow_schema::Schema;
use arrow_schema::TimeUnit;

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
            Self::Text | Self::Mixed => DataType::Utf8,
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

    /// The type of a cell of text.
    pub(crate) fn of_cell(cell: &str) -> Self {
        let cell = cell.trim();
        if cell.is_empty() {
            Self::Null
        } else if cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false") {
            Self::Bool
        } else if cell.parse::<i64>().is_ok() {
            Self::Int
        } else if cell.parse::<f64>().is_ok() {
            Self::Float
        } else {
            date_or_time(cell).unwrap_or(Self::Text)
        }
    }
}

/// `2020-01-31`, `2020-01-31 23:59:59` and the same with `T`, fractions and `Z`.
fn date_or_time(cell: &str) -> Option<Shape> {
    let (date, rest) = cell.split_at_checked(10)?;
    if !fits(date, "dddd-dd-dd") {
        return None;
    }
    let Some(rest) = rest.strip_prefix(['T', ' ']) else {
        return rest.is_empty().then_some(Shape::Date);
    };
    let (time, rest) = rest.split_at_checked(8)?;
    if !fits(time, "dd:dd:dd") {
        return None;
    }
    let rest = rest.strip_suffix('Z').unwrap_or(rest);
    match rest.strip_prefix('.') {
        None => rest.is_empty().then_some(Shape::Time),
        Some(digits) => digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then_some(Shape::FineTime),
    }
}

/// Whether a text has digits where the pattern has `d`, and its other characters elsewhere.
fn fits(text: &str, pattern: &str) -> bool {
    let fit = |(b, p): (u8, u8)| {
        if p == b'd' {
            b.is_ascii_digit()
        } else {
            b == p
        }
    };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(fit)
}
