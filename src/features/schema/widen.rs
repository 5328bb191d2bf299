//! Casts that lose nothing, from the types of files and requests to those of columns.

use std::sync::Arc;

use arrow_array::Array as _;
use arrow_array::ArrayRef;
use arrow_array::cast::AsArray as _;
use arrow_cast::CastOptions;
use arrow_cast::cast_with_options;
use arrow_schema::DataType as Arrow;

use crate::features::schema::ColumnSpec;
use crate::features::schema::DataType;

/// Converts values to the type of a column.
///
/// # Errors
/// A sentence without the name of the column: the types do not fit, or a value does not.
pub(crate) fn widen(values: &ArrayRef, column: &ColumnSpec) -> Result<ArrayRef, String> {
    let wanted = column.data_type.arrow();
    if *values.data_type() == wanted {
        return Ok(Arc::clone(values));
    }
    if !may_widen(values.data_type(), column) {
        return Err(format!(
            "type mismatch: {} is wanted, and the values are {}",
            column.data_type,
            values.data_type()
        ));
    }
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    if let DataType::List(_, length) = column.data_type {
        check_lengths(values, length)?;
    }
    cast_with_options(values, &wanted, &options).map_err(|e| e.to_string())
}

/// Returns an error if a list has another length than the column's. The cast would fill such a list up.
fn check_lengths(values: &ArrayRef, length: u32) -> Result<(), String> {
    let lengths = |offsets: &dyn Fn(usize) -> i64| {
        let length = i64::from(length);
        let wrong = (0..values.len()).find(|row| values.is_valid(*row) && offsets(*row) != length);
        wrong.map_or(Ok(()), |row| {
            Err(format!(
                "a list of {} values where {length} are wanted",
                offsets(row)
            ))
        })
    };
    match values.data_type() {
        Arrow::List(_) => {
            let list = values.as_list::<i32>();
            lengths(&|row| i64::from(list.value_length(row)))
        }
        Arrow::LargeList(_) => {
            let list = values.as_list::<i64>();
            lengths(&|row| list.value_length(row))
        }
        _ => Ok(()),
    }
}

/// Returns true if every value of a type is one of the column, or the column allows the loss.
fn may_widen(from: &Arrow, column: &ColumnSpec) -> bool {
    let to = column.data_type;
    match from {
        Arrow::Dictionary(_, values) => return may_widen(values, column) || **values == to.arrow(),
        Arrow::RunEndEncoded(..) => return false,
        _ => {}
    }
    if let DataType::List(number, length) = to {
        let single = ColumnSpec {
            data_type: number.single(),
            ..column.clone()
        };
        let fits = |field: &Arc<arrow_schema::Field>| {
            *field.data_type() == number.single().arrow() || may_widen(field.data_type(), &single)
        };
        return match from {
            Arrow::List(field) | Arrow::LargeList(field) => fits(field),
            Arrow::FixedSizeList(field, n) => u32::try_from(*n) == Ok(length) && fits(field),
            _ => false,
        };
    }
    match to {
        DataType::Utf8 => matches!(from, Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View),
        DataType::Timestamp => matches!(from, Arrow::Timestamp(..) | Arrow::Date32 | Arrow::Date64),
        DataType::Int16 => matches!(from, Arrow::Int8 | Arrow::UInt8),
        DataType::Int32 => matches!(
            from,
            Arrow::Int8 | Arrow::Int16 | Arrow::UInt8 | Arrow::UInt16
        ),
        DataType::Int64 => matches!(
            from,
            Arrow::Int8
                | Arrow::Int16
                | Arrow::Int32
                | Arrow::UInt8
                | Arrow::UInt16
                | Arrow::UInt32
        ),
        DataType::UInt16 => matches!(from, Arrow::UInt8),
        DataType::UInt32 => matches!(from, Arrow::UInt8 | Arrow::UInt16),
        DataType::UInt64 => matches!(from, Arrow::UInt8 | Arrow::UInt16 | Arrow::UInt32),
        DataType::Float32 => {
            matches!(
                from,
                Arrow::Float16 | Arrow::Int8 | Arrow::Int16 | Arrow::UInt8 | Arrow::UInt16
            ) || (*from == Arrow::Float64 && !column.is_strict)
        }
        DataType::Float64 => matches!(
            from,
            Arrow::Float16
                | Arrow::Float32
                | Arrow::Int8
                | Arrow::Int16
                | Arrow::Int32
                | Arrow::UInt8
                | Arrow::UInt16
                | Arrow::UInt32
        ),
        DataType::Bool | DataType::Int8 | DataType::UInt8 | DataType::List(..) => false,
    }
}
