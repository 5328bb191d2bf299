//! The keys of a request.

use arrow_array::Array as _;
use arrow_array::ArrayRef;
use arrow_array::StringArray;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::types::UInt64Type;
use std::sync::Arc;

use crate::features::error::FeatureError;
use crate::features::limits::REQUEST_KEYS_MAX;
use crate::features::schema::ColumnSpec;
use crate::features::schema::DataType;
use crate::features::schema::TableSchema;
use crate::features::schema::widen;

/// Keys of rows, in the order of a request. A key may have several columns.
#[derive(Clone, Debug)]
pub struct Keys {
    columns: Vec<KeyColumn>,
    count: usize,
}

/// The values of one column of the keys.
#[derive(Clone, Debug)]
pub(crate) enum KeyColumn {
    /// Integers with a sign.
    Signed(arrow_array::Int64Array),
    /// Integers without a sign.
    Unsigned(arrow_array::UInt64Array),
    /// The values of a column of texts.
    Text(StringArray),
}

impl KeyColumn {
    /// Returns true if a value is null. Such a key has no row.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Signed(values) => values.is_null(row),
            Self::Unsigned(values) => values.is_null(row),
            Self::Text(values) => values.is_null(row),
        }
    }

    /// Returns true if any value is null.
    pub(crate) fn has_nulls(&self) -> bool {
        match self {
            Self::Signed(values) => values.null_count() > 0,
            Self::Unsigned(values) => values.null_count() > 0,
            Self::Text(values) => values.null_count() > 0,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Signed(values) => values.len(),
            Self::Unsigned(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }
}

/// Returns the widest type with the same kind of values.
fn widest(data_type: DataType) -> DataType {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            DataType::UInt64
        }
        other => other,
    }
}

impl Keys {
    /// Takes columns of keys by name, in any order. Integers of other widths are converted; a value that the column
    /// of the table cannot have has no row.
    ///
    /// # Errors
    /// [`FeatureError::Request`] for columns that are missing, unknown, of other types or of different lengths;
    /// [`FeatureError::Limit`] for too many keys.
    pub fn of_columns(
        schema: &TableSchema,
        columns: &[(String, ArrayRef)],
    ) -> Result<Self, FeatureError> {
        let mut ordered = Vec::new();
        for column in schema.key() {
            let mut named = columns.iter().filter(|(name, _)| *name == column.name);
            let (found, again) = (named.next(), named.next());
            let Some((_, values)) = found.filter(|_| again.is_none()) else {
                let why = format!("the keys need the column `{}`, once", column.name);
                return Err(FeatureError::Request(why));
            };
            ordered.push(key_column(column, values)?);
        }
        if let Some((name, _)) = columns
            .iter()
            .find(|(name, _)| !schema.key().any(|c| c.name == *name))
        {
            let why = format!("`{name}` is no column of the key");
            return Err(FeatureError::Request(why));
        }
        Self::of(ordered)
    }

    /// Takes the keys of a table whose key is one column.
    ///
    /// # Errors
    /// As [`Keys::of_columns`]; [`FeatureError::Request`] for a key of several columns.
    pub fn of_column(schema: &TableSchema, values: &ArrayRef) -> Result<Self, FeatureError> {
        let mut key = schema.key();
        match (key.next(), key.next()) {
            (Some(column), None) => Self::of(vec![key_column(column, values)?]),
            _ => {
                let names: Vec<&str> = schema.key().map(|c| c.name.as_str()).collect();
                let why = format!("the key has the columns {}", names.join(", "));
                Err(FeatureError::Request(why))
            }
        }
    }

    /// Reads texts: the keys of a table whose key is one column, or `a,b` for one of several.
    ///
    /// # Errors
    /// [`FeatureError::Request`] for a text that is no key.
    pub fn of_texts(schema: &TableSchema, texts: &[&str]) -> Result<Self, FeatureError> {
        let columns: Vec<&ColumnSpec> = schema.key().collect();
        let mut values = vec![Vec::new(); columns.len()];
        for text in texts {
            let parts: Vec<&str> = match columns.len() {
                1 => vec![text],
                _ => text.split(',').collect(),
            };
            if parts.len() != columns.len() {
                let why = format!(
                    "`{text}` has {} parts, and the key has {}",
                    parts.len(),
                    columns.len()
                );
                return Err(FeatureError::Request(why));
            }
            for (to, part) in values.iter_mut().zip(parts) {
                to.push(part);
            }
        }
        let mut read = Vec::new();
        for (column, texts) in columns.iter().zip(values) {
            let bad = |text: &str| {
                let why = format!(
                    "`{text}` is no {}, the type of `{}`",
                    column.data_type, column.name
                );
                FeatureError::Request(why)
            };
            read.push(match widest(column.data_type) {
                DataType::Int64 => KeyColumn::Signed(
                    texts
                        .iter()
                        .map(|t| t.parse().map_err(|_| bad(t)))
                        .collect::<Result<Vec<i64>, _>>()?
                        .into(),
                ),
                DataType::UInt64 => KeyColumn::Unsigned(
                    texts
                        .iter()
                        .map(|t| t.parse().map_err(|_| bad(t)))
                        .collect::<Result<Vec<u64>, _>>()?
                        .into(),
                ),
                _ => KeyColumn::Text(StringArray::from(texts)),
            });
        }
        Self::of(read)
    }

    fn of(columns: Vec<KeyColumn>) -> Result<Self, FeatureError> {
        let count = columns.first().map_or(0, KeyColumn::len);
        if columns.iter().any(|c| c.len() != count) {
            let why = "the columns of the keys have different lengths".to_owned();
            return Err(FeatureError::Request(why));
        }
        if count > REQUEST_KEYS_MAX {
            return Err(FeatureError::Limit {
                what: format!("a request for {count} keys"),
                limit: format!("{REQUEST_KEYS_MAX} keys"),
            });
        }
        Ok(Self { columns, count })
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the columns, in the order of the key.
    pub(crate) fn columns(&self) -> &[KeyColumn] {
        &self.columns
    }

    /// Returns the columns of the keys as Arrow arrays in the types of the table's key are wide.
    pub fn arrays(&self) -> Vec<ArrayRef> {
        let arrays = self.columns.iter().map(|column| -> ArrayRef {
            match column {
                KeyColumn::Signed(values) => Arc::new(values.clone()),
                KeyColumn::Unsigned(values) => Arc::new(values.clone()),
                KeyColumn::Text(values) => Arc::new(values.clone()),
            }
        });
        arrays.collect()
    }
}

fn key_column(column: &ColumnSpec, values: &ArrayRef) -> Result<KeyColumn, FeatureError> {
    let wide = widest(column.data_type);
    let bad = |why: String| FeatureError::Request(format!("the keys of `{}`: {why}", column.name));
    let values = widen(values, &ColumnSpec::new(&column.name, wide)).map_err(bad)?;
    Ok(match wide {
        DataType::Int64 => KeyColumn::Signed(values.as_primitive::<Int64Type>().clone()),
        DataType::UInt64 => KeyColumn::Unsigned(values.as_primitive::<UInt64Type>().clone()),
        _ => KeyColumn::Text(values.as_string::<i32>().clone()),
    })
}
