//! Values of JSON as arrays of the types of columns.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::ArrowPrimitiveType;
use arrow_array::BooleanArray;
use arrow_array::FixedSizeListArray;
use arrow_array::PrimitiveArray;
use arrow_array::RecordBatch;
use arrow_array::StringArray;
use arrow_array::TimestampMicrosecondArray;
use arrow_array::types::Float32Type;
use arrow_array::types::Float64Type;
use arrow_array::types::Int8Type;
use arrow_array::types::Int16Type;
use arrow_array::types::Int32Type;
use arrow_array::types::Int64Type;
use arrow_array::types::UInt8Type;
use arrow_array::types::UInt16Type;
use arrow_array::types::UInt32Type;
use arrow_array::types::UInt64Type;
use arrow_buffer::NullBuffer;
use arrow_schema::DataType as ArrowType;
use arrow_schema::Field;
use arrow_schema::Schema;
use serde_json::Value;

use crate::feature_server::refusal::Refusal;
use crate::feature_server::text::parse_time;
use crate::features::DataType;
use crate::features::TableSchema;

/// Makes a batch of columns by name. Names that the table does not have are left out.
///
/// # Errors
/// A refusal for values that do not fit, for columns of different lengths, and for a column that is missing.
pub(super) fn batch_of(
    schema: &TableSchema,
    mut columns: Vec<(String, Vec<Value>)>,
) -> Result<RecordBatch, Refusal> {
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for column in schema.columns() {
        let place = columns.iter().position(|(name, _)| *name == column.name);
        let Some(place) = place else {
            return Err(Refusal::bad(format!(
                "the column `{}` is missing",
                column.name
            )));
        };
        let (_, values) = columns.swap_remove(place);
        let array = array_of(&values, column.data_type);
        let array = array.map_err(|why| Refusal::bad(format!("`{}`: {why}", column.name)))?;
        fields.push(Field::new(&column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays);
    batch.map_err(|e| Refusal::bad(e.to_string()))
}

/// Makes an array of a type.
fn array_of(values: &[Value], data_type: DataType) -> Result<ArrayRef, String> {
    Ok(match data_type {
        DataType::Bool => {
            Arc::new(cells(values, data_type, Value::as_bool)?.collect::<BooleanArray>())
        }
        DataType::Utf8 => {
            Arc::new(cells(values, data_type, Value::as_str)?.collect::<StringArray>())
        }
        DataType::Float32 => numbers::<Float32Type>(values, data_type, |v| float(v).map(narrow))?,
        DataType::Float64 => numbers::<Float64Type>(values, data_type, float)?,
        DataType::Int8 => numbers::<Int8Type>(values, data_type, |v| v.as_i64()?.try_into().ok())?,
        DataType::Int16 => {
            numbers::<Int16Type>(values, data_type, |v| v.as_i64()?.try_into().ok())?
        }
        DataType::Int32 => {
            numbers::<Int32Type>(values, data_type, |v| v.as_i64()?.try_into().ok())?
        }
        DataType::Int64 => numbers::<Int64Type>(values, data_type, Value::as_i64)?,
        DataType::UInt8 => {
            numbers::<UInt8Type>(values, data_type, |v| v.as_u64()?.try_into().ok())?
        }
        DataType::UInt16 => {
            numbers::<UInt16Type>(values, data_type, |v| v.as_u64()?.try_into().ok())?
        }
        DataType::UInt32 => {
            numbers::<UInt32Type>(values, data_type, |v| v.as_u64()?.try_into().ok())?
        }
        DataType::UInt64 => numbers::<UInt64Type>(values, data_type, Value::as_u64)?,
        DataType::Timestamp => {
            let times = cells(values, data_type, |v| {
                v.as_i64().or_else(|| parse_time(v.as_str()?))
            })?;
            Arc::new(
                times
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            )
        }
        DataType::List(number, length) => {
            list_of(values, number.single(), length, data_type.arrow())?
        }
    })
}

/// Reads values; null stays null.
fn cells<'a, T>(
    values: &'a [Value],
    data_type: DataType,
    read: impl Fn(&'a Value) -> Option<T>,
) -> Result<impl Iterator<Item = Option<T>>, String> {
    let mut out = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        out.push(match value {
            Value::Null => None,
            value => match read(value) {
                None => return Err(format!("the value of row {row} is no {data_type}")),
                cell => cell,
            },
        });
    }
    Ok(out.into_iter())
}

fn numbers<'a, T: ArrowPrimitiveType>(
    values: &'a [Value],
    data_type: DataType,
    read: impl Fn(&'a Value) -> Option<T::Native>,
) -> Result<ArrayRef, String> {
    let cells = cells(values, data_type, read)?;
    Ok(Arc::new(cells.collect::<PrimitiveArray<T>>()))
}

/// Reads a number, or the text of one that JSON does not have.
fn float(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(_) => None,
        None => value.as_f64(),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the column has the shorter form"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

fn list_of(
    values: &[Value],
    single: DataType,
    length: u32,
    list: ArrowType,
) -> Result<ArrayRef, String> {
    let width = length as usize;
    let mut flat = Vec::with_capacity(values.len().saturating_mul(width).min(1 << 20));
    let mut is_there = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        match value {
            Value::Null => flat.extend(std::iter::repeat_n(Value::Null, width)),
            Value::Array(items) if items.len() == width => flat.extend(items.iter().cloned()),
            _ => {
                return Err(format!(
                    "the value of row {row} is no list of {length} values"
                ));
            }
        }
        is_there.push(!value.is_null());
    }
    let items = array_of(&flat, single)?;
    let ArrowType::FixedSizeList(field, size) = list else {
        return Err("it is no list".to_owned());
    };
    let made = FixedSizeListArray::try_new(field, size, items, Some(NullBuffer::from(is_there)));
    made.map(|list| Arc::new(list) as ArrayRef)
        .map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use arrow_array::Array as _;
    use serde_json::json;

    use super::*;
    use crate::features::ColumnSpec;

    fn schema() -> TableSchema {
        let columns = [
            ("id", DataType::UInt8),
            ("at", DataType::Timestamp),
            ("v", DataType::Float32.list(2).unwrap()),
            ("x", DataType::Float64),
        ];
        let columns = columns
            .map(|(name, kind)| ColumnSpec::new(name, kind))
            .to_vec();
        TableSchema::new(columns, &["id".to_owned()], None).unwrap()
    }

    fn batch(columns: Value) -> Result<RecordBatch, String> {
        let columns = columns.as_object().unwrap().iter();
        let columns = columns.map(|(name, v)| (name.clone(), v.as_array().unwrap().clone()));
        batch_of(&schema(), columns.collect()).map_err(|e| e.message)
    }

    #[test]
    fn values_of_every_kind_become_arrays() {
        let made = batch(json!({
            "id": [1, 2], "at": ["1970-01-01T00:00:01", 5], "v": [[1, 0.5], null], "x": ["NaN", null],
            "other": ["left", "out"],
        }));
        let made = made.unwrap();
        assert_eq!((made.num_rows(), made.num_columns()), (2, 4));
        assert_eq!(made.column(2).null_count(), 1);
        assert_eq!(made.column(3).null_count(), 1);
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        let good = json!({"id": [1], "at": [null], "v": [null], "x": [1]});
        for (column, value, named) in [
            ("id", json!([256]), "no uint8"),
            ("id", json!([1, 2]), "length"),
            ("at", json!(["late"]), "no timestamp"),
            ("v", json!([[1]]), "no list of 2"),
            ("v", json!([["a", "b"]]), "no float32"),
            ("x", json!(["1"]), "no float64"),
        ] {
            let mut columns = good.clone();
            columns[column] = value;
            let why = batch(columns).unwrap_err();
            assert!(why.to_lowercase().contains(named), "{column}: {why}");
        }
        assert!(batch(json!({"id": [1]})).unwrap_err().contains("missing"));
    }
}
