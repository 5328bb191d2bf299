//! Values of columns as JSON. Numbers that JSON does not have are texts, as in the JSON of protobuf.

use arrow_array::Array;
use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::ArrowPrimitiveType;
use arrow_array::types::Float32Type;
use arrow_array::types::Float64Type;
use arrow_array::types::Int8Type;
use arrow_array::types::Int16Type;
use arrow_array::types::Int32Type;
use arrow_array::types::Int64Type;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::types::UInt8Type;
use arrow_array::types::UInt16Type;
use arrow_array::types::UInt32Type;
use arrow_array::types::UInt64Type;
use arrow_schema::DataType;
use arrow_schema::TimeUnit;
use serde::Serialize;

use crate::feature_server::text::time_text;

/// Appends a value as `serde_json` writes it.
pub(super) fn push(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(&mut *out, value);
}

/// Appends the columns of a batch as an object.
pub(super) fn push_columns(out: &mut Vec<u8>, batch: &RecordBatch) {
    out.push(b'{');
    let schema = batch.schema_ref();
    for (place, (field, values)) in schema.fields().iter().zip(batch.columns()).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        push(out, field.name().as_str());
        out.push(b':');
        push_array(out, values);
    }
    out.push(b'}');
}

/// Appends the values of an array as an array.
pub(super) fn push_array(out: &mut Vec<u8>, values: &ArrayRef) {
    push_list(out, values.len(), |out, row| push_value(out, values, row));
}

/// Appends an array of this many items.
pub(super) fn push_list(
    out: &mut Vec<u8>,
    count: usize,
    mut item: impl FnMut(&mut Vec<u8>, usize),
) {
    out.push(b'[');
    for row in 0..count {
        if row > 0 {
            out.push(b',');
        }
        item(out, row);
    }
    out.push(b']');
}

/// Appends a value; null where there is none.
pub(super) fn push_value(out: &mut Vec<u8>, values: &ArrayRef, row: usize) {
    if row >= values.len() || values.is_null(row) {
        out.extend_from_slice(b"null");
        return;
    }
    match values.data_type() {
        DataType::Boolean => push(out, &values.as_boolean().value(row)),
        DataType::Utf8 => push(out, values.as_string::<i32>().value(row)),
        DataType::Float32 => push_float32(out, values.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => push_float64(out, values.as_primitive::<Float64Type>().value(row)),
        DataType::Int8 => push_integer::<Int8Type>(out, values, row),
        DataType::Int16 => push_integer::<Int16Type>(out, values, row),
        DataType::Int32 => push_integer::<Int32Type>(out, values, row),
        DataType::Int64 => push_integer::<Int64Type>(out, values, row),
        DataType::UInt8 => push_integer::<UInt8Type>(out, values, row),
        DataType::UInt16 => push_integer::<UInt16Type>(out, values, row),
        DataType::UInt32 => push_integer::<UInt32Type>(out, values, row),
        DataType::UInt64 => push_integer::<UInt64Type>(out, values, row),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = values.as_primitive::<TimestampMicrosecondType>().value(row);
            match time_text(micros) {
                Some(text) => push(out, text.as_str()),
                None => push(out, &micros),
            }
        }
        DataType::FixedSizeList(..) => push_array(out, &values.as_fixed_size_list().value(row)),
        // A table has no other types.
        _ => out.extend_from_slice(b"null"),
    }
}

/// Returns a value as JSON.
#[cfg(feature = "cli")]
pub(crate) fn json_value(values: &ArrayRef, row: usize) -> serde_json::Value {
    let mut text = Vec::new();
    push_value(&mut text, values, row);
    serde_json::from_slice(&text).unwrap_or_default()
}

fn push_integer<T: ArrowPrimitiveType<Native: Serialize>>(
    out: &mut Vec<u8>,
    values: &ArrayRef,
    row: usize,
) {
    push(out, &values.as_primitive::<T>().value(row));
}

/// Returns the text of a number that JSON does not have.
fn special(value: f64) -> &'static str {
    match value {
        v if v.is_nan() => "NaN",
        v if v > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

fn push_float32(out: &mut Vec<u8>, value: f32) {
    match value.is_finite() {
        true => push(out, &value),
        false => push(out, special(f64::from(value))),
    }
}

fn push_float64(out: &mut Vec<u8>, value: f64) {
    match value.is_finite() {
        true => push(out, &value),
        false => push(out, special(value)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::FixedSizeListArray;
    use arrow_array::Float32Array;
    use arrow_array::StringArray;
    use arrow_array::TimestampMicrosecondArray;

    use super::*;

    fn text(values: ArrayRef) -> String {
        let mut out = Vec::new();
        push_array(&mut out, &values);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_without_a_number_in_json_are_told_apart_from_null() {
        let values = [
            Some(1.5),
            Some(f32::NAN),
            None,
            Some(f32::INFINITY),
            Some(f32::NEG_INFINITY),
        ];
        let values = Float32Array::from(values.to_vec());
        assert_eq!(
            text(Arc::new(values)),
            r#"[1.5,"NaN",null,"Infinity","-Infinity"]"#
        );
    }

    #[test]
    fn values_of_every_shape_are_json() {
        let texts = StringArray::from(vec![Some("a\"\n"), None]);
        assert_eq!(text(Arc::new(texts)), r#"["a\"\n",null]"#);
        let times = TimestampMicrosecondArray::from(vec![0, i64::MAX]);
        assert_eq!(
            text(Arc::new(times)),
            r#"["1970-01-01T00:00:00Z",9223372036854775807]"#
        );
        let lists = vec![Some(vec![Some(1.0), Some(0.1)]), None];
        let lists = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(lists, 2);
        assert_eq!(text(Arc::new(lists)), "[[1.0,0.1],null]");
    }
}
