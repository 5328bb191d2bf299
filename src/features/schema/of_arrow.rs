//! The schema of a table from that of a file.

use arrow_schema::DataType as Arrow;
use arrow_schema::Schema;

use crate::features::schema::ColumnSpec;
use crate::features::schema::DataType;

/// Returns the type of a column for values of an Arrow type; `None` for types that no column has.
pub(crate) fn data_type_of(arrow: &Arrow) -> Option<DataType> {
    Some(match arrow {
        Arrow::Boolean => DataType::Bool,
        Arrow::Int8 => DataType::Int8,
        Arrow::Int16 => DataType::Int16,
        Arrow::Int32 => DataType::Int32,
        Arrow::Int64 => DataType::Int64,
        Arrow::UInt8 => DataType::UInt8,
        Arrow::UInt16 => DataType::UInt16,
        Arrow::UInt32 => DataType::UInt32,
        Arrow::UInt64 => DataType::UInt64,
        Arrow::Float16 | Arrow::Float32 => DataType::Float32,
        Arrow::Float64 => DataType::Float64,
        Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View => DataType::Utf8,
        Arrow::Timestamp(..) | Arrow::Date32 | Arrow::Date64 => DataType::Timestamp,
        Arrow::Dictionary(_, values) => data_type_of(values)?,
        Arrow::FixedSizeList(field, length) => {
            let single = data_type_of(field.data_type())?;
            single.list(u32::try_from(*length).ok()?)?
        }
        _ => return None,
    })
}

/// Returns the columns of a schema that a table can have, and the names of the others.
pub(crate) fn schema_of(schema: &Schema) -> (Vec<ColumnSpec>, Vec<String>) {
    let (mut columns, mut others) = (Vec::new(), Vec::new());
    for field in schema.fields() {
        match data_type_of(field.data_type()) {
            Some(data_type) => columns.push(ColumnSpec {
                is_nullable: field.is_nullable(),
                ..ColumnSpec::new(field.name(), data_type)
            }),
            None => others.push(field.name().clone()),
        }
    }
    (columns, others)
}
