//! Parquet's deprecated timestamp type INT96: a day and its nanoseconds. The library converts it to
//! nanoseconds, which overflow outside the years 1677 to 2262. The reader therefore decodes
//! microseconds too, and compares both.

use std::sync::Arc;

use arrow_array::Array;
use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::types::TimestampNanosecondType;
use arrow_schema::DataType;
use arrow_schema::FieldRef;
use arrow_schema::Fields;
use arrow_schema::TimeUnit;
use parquet::basic::Type;
use parquet::schema::types::SchemaDescriptor;

/// Returns the fields with INT96 columns in microseconds; `None` without such columns.
pub(super) fn in_micros(fields: &Fields, descriptor: &SchemaDescriptor) -> Option<Fields> {
    let columns = descriptor.columns().iter();
    let mut leaves = columns.map(|c| c.physical_type() == Type::INT96);
    if !leaves.clone().any(|is_int96| is_int96) {
        return None;
    }
    Some(each(fields, &mut leaves))
}

fn each(fields: &Fields, leaves: &mut dyn Iterator<Item = bool>) -> Fields {
    fields.iter().map(|field| one(field, leaves)).collect()
}

/// Leaves come in the order of the fields.
fn one(field: &FieldRef, leaves: &mut dyn Iterator<Item = bool>) -> FieldRef {
    let kind = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(each(fields, leaves)),
        DataType::List(item) => DataType::List(one(item, leaves)),
        DataType::LargeList(item) => DataType::LargeList(one(item, leaves)),
        DataType::FixedSizeList(item, n) => DataType::FixedSizeList(one(item, leaves), *n),
        DataType::Map(entries, sorted) => DataType::Map(one(entries, leaves), *sorted),
        kind => match (leaves.next(), kind) {
            (Some(true), DataType::Timestamp(_, zone)) => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            _ => return Arc::clone(field),
        },
    };
    Arc::new(field.as_ref().clone().with_data_type(kind))
}

/// Time unit that preserves all timestamps of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PreservingUnit {
    /// Nanoseconds do.
    Nanos,
    /// Only microseconds do.
    Micros,
    /// Neither: some need nanoseconds, and others exceed their range.
    Neither,
}

/// Chooses the time unit of a column, decoded in both.
pub(super) fn unit(nanos: &ArrayRef, micros: &ArrayRef) -> PreservingUnit {
    let mut found = UnitNeeds::default();
    look(nanos, micros, &mut found);
    match (found.is_wrapped, found.is_fine) {
        (false, _) => PreservingUnit::Nanos,
        (true, false) => PreservingUnit::Micros,
        (true, true) => PreservingUnit::Neither,
    }
}

#[derive(Default)]
struct UnitNeeds {
    /// True if some exceed the range of nanoseconds.
    is_wrapped: bool,
    /// True if some are finer than a microsecond.
    is_fine: bool,
}

fn look(nanos: &ArrayRef, micros: &ArrayRef, found: &mut UnitNeeds) {
    match (nanos.data_type(), micros.data_type()) {
        (
            DataType::Timestamp(TimeUnit::Nanosecond, _),
            DataType::Timestamp(TimeUnit::Microsecond, _),
        ) => {
            let nanos = nanos.as_primitive::<TimestampNanosecondType>();
            let micros = micros.as_primitive::<TimestampMicrosecondType>();
            for (nanos, micros) in nanos.iter().zip(micros) {
                let (Some(nanos), Some(micros)) = (nanos, micros) else {
                    continue;
                };
                // A negative time of day is rounded the other way.
                match nanos.div_euclid(1000).abs_diff(micros) {
                    0 | 1 => found.is_fine |= nanos % 1000 != 0,
                    _ => found.is_wrapped = true,
                }
            }
        }
        (DataType::Struct(_), DataType::Struct(_)) => {
            let columns = nanos.as_struct().columns().iter();
            for (nanos, micros) in columns.zip(micros.as_struct().columns()) {
                look(nanos, micros, found);
            }
        }
        (DataType::List(_), DataType::List(_)) => {
            look(
                nanos.as_list::<i32>().values(),
                micros.as_list::<i32>().values(),
                found,
            );
        }
        (DataType::LargeList(_), DataType::LargeList(_)) => {
            look(
                nanos.as_list::<i64>().values(),
                micros.as_list::<i64>().values(),
                found,
            );
        }
        (DataType::FixedSizeList(..), DataType::FixedSizeList(..)) => {
            look(
                nanos.as_fixed_size_list().values(),
                micros.as_fixed_size_list().values(),
                found,
            );
        }
        (DataType::Map(..), DataType::Map(..)) => {
            let (nanos, micros) = (nanos.as_map(), micros.as_map());
            look(nanos.keys(), micros.keys(), found);
            look(nanos.values(), micros.values(), found);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use parquet::data_type::Int32Type;
    use parquet::data_type::Int96;
    use parquet::data_type::Int96Type;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use crate::inspect::table::Batch;
    use crate::inspect::table::Decoded;
    use crate::inspect::table::NextBatch;
    use crate::inspect::table::OpenOptions;
    use crate::inspect::table::Selection;
    use crate::inspect::table::TableError;
    use crate::inspect::table::open_table;

    /// Julian day number of 1970-01-01.
    const EPOCH: u32 = 2_440_588;
    const YEAR_9999: u32 = 5_373_484;
    const YEAR_1: u32 = 1_721_426;

    /// Makes a file of timestamps, each a day and nanoseconds.
    fn file(times: &[(u32, u64)]) -> Vec<u8> {
        let schema = "message s { required int96 t; required int32 n; }";
        let schema = parse_message_type(schema).unwrap();
        let mut bytes = Vec::new();
        let options = std::sync::Arc::default();
        let schema = std::sync::Arc::new(schema);
        let mut writer = SerializedFileWriter::new(&mut bytes, schema, options).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let times = times.iter().map(|(day, nanos)| {
            let mut time = Int96::new();
            time.set_data((nanos & 0xffff_ffff) as u32, (nanos >> 32) as u32, *day);
            time
        });
        let times: Vec<Int96> = times.collect();
        let mut column = group.next_column().unwrap().unwrap();
        let typed = column.typed::<Int96Type>();
        typed.write_batch(&times, None, None).unwrap();
        column.close().unwrap();
        let numbers: Vec<i32> = (0..times.len() as i32).collect();
        let mut column = group.next_column().unwrap().unwrap();
        let typed = column.typed::<Int32Type>();
        typed.write_batch(&numbers, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        bytes
    }

    fn rows(bytes: Vec<u8>, decoded: Decoded) -> Result<String, TableError> {
        let source = std::sync::Arc::new(bytes);
        let opened = open_table(source, "t.parquet", OpenOptions::default())?;
        let selection = Selection {
            decoded,
            ..Selection::default()
        };
        let batches = opened.table.batches(&selection)?;
        let mut batch = Batch::default();
        let mut text = Vec::new();
        while let NextBatch::Batch(_) = batches.next(&mut batch)? {
            text.extend_from_slice(batch.text());
        }
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn int96_beyond_nanoseconds_does_not_wrap() {
        let near = [(EPOCH, 1), (EPOCH - 1, 86_399_999_999_999)];
        assert_eq!(
            rows(file(&near), Decoded::No).unwrap(),
            "{\"t\":\"1970-01-01T00:00:00.000000001\",\"n\":0}\n{\"t\":\"1969-12-31T23:59:59.999999999\",\"n\":1}\n"
        );
        let far = [(YEAR_9999, 1000), (YEAR_1, 0), (EPOCH, 0)];
        assert_eq!(
            rows(file(&far), Decoded::No).unwrap(),
            "{\"t\":\"9999-12-31T00:00:00.000001\",\"n\":0}\n{\"t\":\"0001-01-01T00:00:00\",\"n\":1}\n{\"t\":\"1970-01-01T00:00:00\",\"n\":2}\n"
        );
    }

    #[test]
    fn int96_column_without_lossless_unit_is_named_in_error() {
        let both = file(&[(YEAR_9999, 0), (EPOCH, 1)]);
        let far = file(&[(YEAR_9999, 0)]);
        for (bytes, decoded) in [(both, Decoded::No), (far, Decoded::Alone)] {
            let error = rows(bytes, decoded).unwrap_err();
            assert!(matches!(error, TableError::Limit(_)), "{error}");
            assert!(error.to_string().contains("column `t`"), "{error}");
        }
    }
}
