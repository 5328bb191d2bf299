//! Parquet storage types for Arrow types that Parquet lacks.

use std::io;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_array::RecordBatchOptions;
use arrow_cast::CastOptions;
use arrow_cast::cast_with_options;
use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::FieldRef;
use arrow_schema::IntervalUnit;
use arrow_schema::Schema;
use arrow_schema::SchemaRef;
use arrow_schema::TimeUnit;
use parquet::arrow::ArrowSchemaConverter;

use crate::inspect::output::Refusal;

/// Returns the storage schema for `schema`, if they differ. Parquet lacks times in seconds, which
/// are stored in milliseconds, and 64-bit dates, which are stored in 32 bits. Other readers would
/// read both as integers.
///
/// # Errors
/// The [`Refusal`] of a column whose type has no storage type.
pub(super) fn stored_schema(schema: &Schema) -> Result<Option<SchemaRef>, Refusal> {
    for field in schema.fields() {
        if has_interval_of_three(field.data_type()) {
            let why = format!("Parquet has no type for {}", field.data_type());
            return Err(Refusal::of_column(field.name(), why));
        }
        let alone = Schema::new(vec![Arc::clone(field)]);
        if let Err(error) = ArrowSchemaConverter::new().convert(&alone) {
            let why = format!("Parquet has no type for {} ({error})", field.data_type());
            return Err(Refusal::of_column(field.name(), why));
        }
    }
    let fields: Vec<FieldRef> = schema.fields().iter().map(stored_field).collect();
    let is_changed = fields.iter().zip(schema.fields()).any(|(a, b)| a != b);
    Ok(is_changed.then(|| Arc::new(Schema::new_with_metadata(fields, schema.metadata.clone()))))
}

/// Converts rows to the storage schema.
///
/// # Errors
/// A value that the storage type cannot hold, such as a date with a time of day.
pub(super) fn as_stored(rows: &RecordBatch, stored: &SchemaRef) -> io::Result<RecordBatch> {
    let columns = rows.columns().iter().zip(stored.fields());
    let columns = columns.map(|(column, field)| {
        let exact = exactly_cast(column, field.data_type());
        exact.ok_or_else(|| {
            io::Error::other(format!(
                "column `{}`: {} has no equal for one of its values",
                field.name(),
                field.data_type()
            ))
        })
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(stored), columns, &count).map_err(io::Error::other)
}

/// Casts a column; `None` if a value would change.
fn exactly_cast(column: &ArrayRef, kind: &DataType) -> Option<ArrayRef> {
    if column.data_type() == kind {
        return Some(Arc::clone(column));
    }
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let made = cast_with_options(column, kind, &options).ok()?;
    let back = cast_with_options(&made, column.data_type(), &options).ok()?;
    (back.as_ref() == column.as_ref()).then_some(made)
}

/// Returns true if a type contains an interval of months, days and nanoseconds, which Parquet
/// lacks.
fn has_interval_of_three(kind: &DataType) -> bool {
    match kind {
        DataType::Interval(IntervalUnit::MonthDayNano) => true,
        DataType::Struct(fields) => fields.iter().any(|f| has_interval_of_three(f.data_type())),
        DataType::Dictionary(_, values) => has_interval_of_three(values),
        DataType::RunEndEncoded(_, item)
        | DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => has_interval_of_three(item.data_type()),
        _ => false,
    }
}

fn stored_field(field: &FieldRef) -> FieldRef {
    let kind = stored_type(field.data_type());
    if kind == *field.data_type() {
        Arc::clone(field)
    } else {
        Arc::new(Field::clone(field).with_data_type(kind))
    }
}

fn stored_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Timestamp(TimeUnit::Second, zone) => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        DataType::Time32(TimeUnit::Second) => DataType::Time32(TimeUnit::Millisecond),
        DataType::Date64 => DataType::Date32,
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(stored_field).collect()),
        DataType::List(item) => DataType::List(stored_field(item)),
        DataType::LargeList(item) => DataType::LargeList(stored_field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(stored_field(item), *size),
        DataType::Map(entries, is_sorted) => DataType::Map(stored_field(entries), *is_sorted),
        DataType::Dictionary(keys, values) => {
            DataType::Dictionary(keys.clone(), Box::new(stored_type(values)))
        }
        other => other.clone(),
    }
}
