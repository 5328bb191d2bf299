//! Common columns of several columnar files.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_array::new_null_array;
use arrow_cast::CastOptions;
use arrow_cast::cast_with_options;
use arrow_schema::ArrowError;
use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::FieldRef;
use arrow_schema::Fields;
use arrow_schema::Schema;
use arrow_schema::SchemaRef;

use crate::inspect::table::Columnar;

/// Returns columns that fit the rows of all files: those of the first file, then further ones of
/// the others. Metadata of files and columns is merged; the first of two values counts.
///
/// # Errors
/// The name of a column whose types have no lossless common type.
pub fn common_columns(files: &[Columnar]) -> Result<Columnar, String> {
    let mut fields: Vec<Field> = Vec::new();
    let mut common = Columnar {
        schema: Arc::new(Schema::empty()),
        metadata: Vec::new(),
        repeated: Vec::new(),
        unread: Vec::new(),
    };
    let mut metadata = std::collections::HashMap::new();
    for (number, file) in files.iter().enumerate() {
        for field in file.schema.fields() {
            let known = fields.iter_mut().find(|known| known.name() == field.name());
            match known {
                None => {
                    let is_new = number > 0;
                    let field = field.as_ref().clone();
                    let is_nullable = field.is_nullable() || is_new;
                    fields.push(field.with_nullable(is_nullable));
                }
                Some(known) => {
                    let kind = wider(known.data_type(), field.data_type());
                    let kind = kind.ok_or_else(|| field.name().clone())?;
                    let is_nullable = known.is_nullable() || field.is_nullable();
                    *known = known
                        .clone()
                        .with_data_type(kind)
                        .with_nullable(is_nullable);
                }
            }
        }
        for known in &mut fields {
            if file.schema.field_with_name(known.name()).is_err() {
                *known = known.clone().with_nullable(true);
            }
        }
        for (key, value) in &file.metadata {
            if common.metadata.iter().all(|(known, _)| known != key) {
                common.metadata.push((key.clone(), value.clone()));
            }
        }
        for (key, value) in &file.schema.metadata {
            metadata.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    common.schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    Ok(common)
}

/// Returns the type that holds all values of both.
fn wider(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::Float16;
    use DataType::Float32;
    use DataType::Float64;
    use DataType::Int8;
    use DataType::Int16;
    use DataType::Int32;
    use DataType::Int64;
    use DataType::Null;
    use DataType::UInt8;
    use DataType::UInt16;
    use DataType::UInt32;
    use DataType::UInt64;
    if a == b || *b == Null {
        return Some(a.clone());
    }
    if *a == Null {
        return Some(b.clone());
    }
    let chains: [&[DataType]; 9] = [
        &[Int8, Int16, Int32, Int64],
        &[UInt8, UInt16, UInt32, UInt64],
        &[UInt8, Int16, Int32, Int64],
        &[UInt16, Int32, Int64],
        &[UInt32, Int64],
        &[Int8, Int16, Int32, Float64],
        &[UInt8, UInt16, UInt32, Float64],
        &[Float16, Float32, Float64],
        &[DataType::Utf8View, DataType::Utf8, DataType::LargeUtf8],
    ];
    let in_chain = chains.iter().find_map(|chain| {
        let place = |kind| chain.iter().position(|of| of == kind);
        chain.get(place(a)?.max(place(b)?)).cloned()
    });
    in_chain.or_else(|| match (a, b) {
        (DataType::Dictionary(_, values), other) | (other, DataType::Dictionary(_, values)) => {
            let other = match other {
                DataType::Dictionary(_, values) => values,
                other => other,
            };
            wider(values, other)
        }
        (DataType::List(a), DataType::List(b)) => wider_field(a, b).map(DataType::List),
        (DataType::LargeList(a), DataType::LargeList(b)) => {
            wider_field(a, b).map(DataType::LargeList)
        }
        (DataType::FixedSizeList(a, n), DataType::FixedSizeList(b, m)) if n == m => {
            wider_field(a, b).map(|item| DataType::FixedSizeList(item, *n))
        }
        (DataType::Map(a, sorted), DataType::Map(b, _)) => {
            wider_field(a, b).map(|entries| DataType::Map(entries, *sorted))
        }
        (DataType::Struct(a), DataType::Struct(b)) if a.len() == b.len() => {
            let both = a.iter().zip(b);
            both.map(|(a, b)| wider_field(a, b))
                .collect::<Option<Fields>>()
                .map(DataType::Struct)
        }
        _ => None,
    })
}

/// Returns the common field inside a list, a map or a struct. Names of items and entries do not
/// matter.
fn wider_field(a: &FieldRef, b: &FieldRef) -> Option<FieldRef> {
    const SAYS_NOTHING: [&str; 8] = [
        "item",
        "element",
        "entries",
        "key_value",
        "key",
        "keys",
        "value",
        "values",
    ];
    let says_nothing = |field: &FieldRef| SAYS_NOTHING.contains(&field.name().as_str());
    let is_same = a.name() == b.name()
        || matches!(a.data_type(), DataType::Struct(_))
            && matches!(b.data_type(), DataType::Struct(_))
        || says_nothing(a) && says_nothing(b);
    let kind = is_same
        .then(|| wider(a.data_type(), b.data_type()))
        .flatten()?;
    let is_nullable = a.is_nullable() || b.is_nullable();
    let field = a.as_ref().clone().with_data_type(kind);
    Some(Arc::new(field.with_nullable(is_nullable)))
}

/// Returns the columns without top-level dictionaries, because an Arrow file has a single
/// dictionary for all batches.
pub fn without_dictionaries(columns: &Columnar) -> Columnar {
    let fields = columns.schema.fields().iter().map(|field| -> FieldRef {
        match field.data_type() {
            DataType::Dictionary(_, values) => {
                let plain = field.as_ref().clone();
                Arc::new(plain.with_data_type(values.as_ref().clone()))
            }
            _ => Arc::clone(field),
        }
    });
    let metadata = columns.schema.metadata.clone();
    Columnar {
        schema: Arc::new(Schema::new_with_metadata(
            fields.collect::<Fields>(),
            metadata,
        )),
        metadata: columns.metadata.clone(),
        repeated: Vec::new(),
        unread: Vec::new(),
    }
}

/// Converts rows to another schema that holds all their values. Columns match by name; missing ones
/// become null.
///
/// # Errors
/// [`ArrowError`] for a value that the other type cannot hold.
pub fn conform(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    if rows.schema_ref() == schema {
        return Ok(rows.clone());
    }
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let columns = schema.fields().iter().map(|field| {
        let column: ArrayRef = match rows.column_by_name(field.name()) {
            None => new_null_array(field.data_type(), rows.num_rows()),
            Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
            Some(column) => cast_with_options(column, field.data_type(), &options)?,
        };
        Ok(column)
    });
    let columns: Result<Vec<ArrayRef>, ArrowError> = columns.collect();
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns?, &options)
}
