//! JSON rendering of Arrow rows. Normative: `spec/rows.md`.

use std::sync::Arc;
use std::sync::LazyLock;

use arrow_array::Array;
use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_array::RecordBatchOptions;
use arrow_array::StructArray;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::types::Int64Type;
use arrow_cast::cast;
use arrow_json::Encoder;
use arrow_json::EncoderFactory;
use arrow_json::EncoderOptions;
use arrow_json::writer::NullableEncoder;
use arrow_json::writer::make_encoder;
use arrow_schema::ArrowError;
use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::FieldRef;
use arrow_schema::Fields;
use arrow_schema::Schema;
use arrow_schema::TimeUnit;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::inspect::json::write::text_into;
use crate::inspect::table::Filled;
use crate::inspect::table::TableError;
use crate::inspect::table::guarded_call::guarded;
use crate::wire::limits::COLUMNAR_TEXT_BYTES_MAX;

/// Appends each row as an object on its own line; `nan` as in a selection. Rows are never cut.
pub(super) fn render(
    rows: &RecordBatch,
    bytes_read: u64,
    nan: bool,
    out: &mut Vec<u8>,
) -> Result<Filled, TableError> {
    let options = options(nan);
    let array = StructArray::from(rows.clone());
    let field = Arc::new(Field::new("row", array.data_type().clone(), false));
    let is_shown = guarded(|| {
        let mut encoder = make_encoder(&field, &array, &options)?;
        out.clear();
        for row in 0..array.len() {
            encoder.encode(row, out);
            out.push(b'\n');
            if out.len() > COLUMNAR_TEXT_BYTES_MAX {
                return Ok(false);
            }
        }
        Ok::<_, ArrowError>(true)
    })?;
    if !is_shown {
        return Err(TableError::Limit(format!(
            "rows that follow each other have more than {COLUMNAR_TEXT_BYTES_MAX} bytes of text (`columnar_text_bytes_max`)"
        )));
    }
    Ok(Filled {
        bytes_read,
        ..Filled::default()
    })
}

/// A rendered value of a column.
pub(in crate::inspect) enum ShownValue<'a> {
    /// No value.
    Null,
    /// A text.
    Text(&'a [u8]),
    /// Any other value, in its JSON form.
    Json(&'a [u8]),
}

/// Passes each value of a column to `each`, with its row number.
///
/// # Errors
/// [`TableError`] for a column that cannot be rendered.
pub(in crate::inspect) fn each_value(
    rows: &RecordBatch,
    column: usize,
    each: &mut dyn FnMut(u64, ShownValue<'_>),
) -> Result<(), TableError> {
    let (field, array) = (
        rows.schema_ref().fields().get(column),
        rows.columns().get(column),
    );
    let (Some(field), Some(array)) = (field, array) else {
        return Ok(());
    };
    let mut text = |value: Option<&str>, row: u64| {
        each(
            row,
            value.map_or(ShownValue::Null, |v| ShownValue::Text(v.as_bytes())),
        );
    };
    match array.data_type() {
        DataType::Utf8 => {
            let values = array.as_string::<i32>().iter();
            (0..).zip(values).for_each(|(row, value)| text(value, row));
        }
        DataType::LargeUtf8 => {
            let values = array.as_string::<i64>().iter();
            (0..).zip(values).for_each(|(row, value)| text(value, row));
        }
        DataType::Utf8View => {
            let values = array.as_string_view().iter();
            (0..).zip(values).for_each(|(row, value)| text(value, row));
        }
        _ => {
            let options = options(true);
            let mut json = Vec::new();
            guarded(|| {
                let mut encoder = make_encoder(field, array, &options)?;
                for (row, at) in (0..).zip(0..array.len()) {
                    if encoder.is_null(at) {
                        each(row, ShownValue::Null);
                        continue;
                    }
                    json.clear();
                    encoder.encode(at, &mut json);
                    each(row, ShownValue::Json(&json));
                }
                Ok::<_, ArrowError>(())
            })?;
        }
    }
    Ok(())
}

/// Checks that rows of a schema can be rendered.
pub(super) fn check(schema: &Schema) -> Result<(), TableError> {
    let none = guarded(|| Ok::<_, ArrowError>(RecordBatch::new_empty(Arc::new(schema.clone()))))?;
    let options = options(false);
    let array = StructArray::from(none);
    let field = Arc::new(Field::new("row", array.data_type().clone(), false));
    let made = guarded(|| make_encoder(&field, &array, &options).map(drop));
    made.map_err(|error| match error {
        TableError::Damaged(why) => TableError::Unsupported(why),
        other => other,
    })
}

/// Returns the fields with view types for text and bytes. Views avoid copies out of pages, and
/// store a dictionary value once for any number of rows.
pub(super) fn with_views(fields: &Fields) -> Fields {
    fields.iter().map(with_view).collect()
}

fn with_view(field: &FieldRef) -> FieldRef {
    let inner = |kind: &DataType| match kind {
        DataType::Utf8 | DataType::LargeUtf8 => Some(DataType::Utf8View),
        DataType::Binary | DataType::LargeBinary => Some(DataType::BinaryView),
        other => in_utc(other),
    };
    let kind = match field.data_type() {
        DataType::Dictionary(_, values) => inner(values),
        DataType::List(item) => Some(DataType::List(with_view(item))),
        DataType::LargeList(item) => Some(DataType::LargeList(with_view(item))),
        DataType::FixedSizeList(item, n) => Some(DataType::FixedSizeList(with_view(item), *n)),
        DataType::Struct(fields) => Some(DataType::Struct(with_views(fields))),
        DataType::Map(entries, sorted) => Some(DataType::Map(with_view(entries), *sorted)),
        other => inner(other),
    };
    match kind {
        Some(kind) => Arc::new(field.as_ref().clone().with_data_type(kind)),
        None => Arc::clone(field),
    }
}

/// Returns the UTC form of a timestamp type. Rows show UTC for every zone, because zone names need
/// a database.
fn in_utc(kind: &DataType) -> Option<DataType> {
    match kind {
        DataType::Timestamp(unit, Some(_)) => {
            Some(DataType::Timestamp(*unit, Some(Arc::from("+00:00"))))
        }
        _ => None,
    }
}

/// Returns the fields with timestamps in UTC.
pub(super) fn with_utc(fields: &Fields) -> Fields {
    fields.iter().map(with_utc_inside).collect()
}

/// Converts timestamps of rows to UTC, which needs no zone database.
pub(super) fn in_utc_zone(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let fields = with_utc(rows.schema_ref().fields());
    if fields == *rows.schema_ref().fields() {
        return Ok(rows.clone());
    }
    let columns = rows.columns().iter().zip(&fields);
    let columns: Result<Vec<ArrayRef>, _> = columns
        .map(|(column, field)| {
            if column.data_type() == field.data_type() {
                Ok(Arc::clone(column))
            } else {
                cast(column, field.data_type())
            }
        })
        .collect();
    let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns?, &count)
}

fn with_utc_inside(field: &FieldRef) -> FieldRef {
    let own = |field: &FieldRef| with_utc_inside(field);
    let kind = match field.data_type() {
        DataType::List(item) => DataType::List(own(item)),
        DataType::LargeList(item) => DataType::LargeList(own(item)),
        DataType::ListView(item) => DataType::ListView(own(item)),
        DataType::LargeListView(item) => DataType::LargeListView(own(item)),
        DataType::FixedSizeList(item, n) => DataType::FixedSizeList(own(item), *n),
        DataType::Struct(fields) => DataType::Struct(with_utc(fields)),
        DataType::Map(entries, sorted) => DataType::Map(own(entries), *sorted),
        DataType::RunEndEncoded(ends, values) => {
            DataType::RunEndEncoded(Arc::clone(ends), own(values))
        }
        DataType::Dictionary(keys, values) => match in_utc(values) {
            Some(values) => DataType::Dictionary(keys.clone(), Box::new(values)),
            None => return Arc::clone(field),
        },
        other => match in_utc(other) {
            Some(kind) => kind,
            None => return Arc::clone(field),
        },
    };
    Arc::new(field.as_ref().clone().with_data_type(kind))
}

fn options(nan: bool) -> EncoderOptions {
    EncoderOptions::default()
        .with_explicit_nulls(true)
        .with_encoder_factory(Arc::new(CustomEncoders { nan }))
}

/// Rendering that differs from arrow-json: faster text, base64 for bytes, and maps with keys other
/// than text.
#[derive(Debug)]
struct CustomEncoders {
    /// True to render non-finite numbers instead of null.
    nan: bool,
}

impl EncoderFactory for CustomEncoders {
    fn make_default_encoder<'a>(
        &self,
        field: &'a FieldRef,
        array: &'a dyn Array,
        options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Utf8 => {
                let array = array.as_string::<i32>();
                Box::new(TextEncoder(move |n| array.value(n)))
            }
            DataType::LargeUtf8 => {
                let array = array.as_string::<i64>();
                Box::new(TextEncoder(move |n| array.value(n)))
            }
            DataType::Utf8View => {
                let array = array.as_string_view();
                Box::new(TextEncoder(move |n| array.value(n)))
            }
            DataType::Binary => {
                let array = array.as_binary::<i32>();
                Box::new(Base64Encoder(move |n| array.value(n)))
            }
            DataType::LargeBinary => {
                let array = array.as_binary::<i64>();
                Box::new(Base64Encoder(move |n| array.value(n)))
            }
            DataType::BinaryView => {
                let array = array.as_binary_view();
                Box::new(Base64Encoder(move |n| array.value(n)))
            }
            DataType::FixedSizeBinary(_) => {
                let array = array.as_fixed_size_binary();
                Box::new(Base64Encoder(move |n| array.value(n)))
            }
            DataType::Float16 | DataType::Float32 | DataType::Float64 if self.nan => {
                let values = cast(array, &DataType::Float64)?;
                let plain = make_encoder(field, array, &PLAIN)?;
                Box::new(NumberEncoder { values, plain })
            }
            DataType::Map(_, _) => return pairs(array, options),
            DataType::Dictionary(_, _) => return of_dictionary(field, array, options),
            DataType::Duration(unit) => Box::new(DurationEncoder {
                units: cast(array, &DataType::Int64)?,
                per_second: per_second(*unit),
            }),
            kind if kind.is_temporal() => {
                Box::new(TimeEncoder(make_encoder(field, array, &PLAIN)?))
            }
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct TextEncoder<F>(F);

impl<'a, F: Fn(usize) -> &'a str> Encoder for TextEncoder<F> {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        text_into((self.0)(idx).as_bytes(), out);
    }
}

/// Encoder of numbers, non-finite ones included.
struct NumberEncoder<'a> {
    values: ArrayRef,
    plain: NullableEncoder<'a>,
}

impl Encoder for NumberEncoder<'_> {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        match self.values.as_primitive::<Float64Type>().value(idx) {
            x if x.is_nan() => out.extend_from_slice(b"NaN"),
            f64::INFINITY => out.extend_from_slice(b"Infinity"),
            f64::NEG_INFINITY => out.extend_from_slice(b"-Infinity"),
            _ => self.plain.encode(idx, out),
        }
    }
}

struct Base64Encoder<F>(F);

impl<'a, F: Fn(usize) -> &'a [u8]> Encoder for Base64Encoder<F> {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        let bytes = (self.0)(idx);
        out.push(b'"');
        let start = out.len();
        out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
        let room = out.get_mut(start..).unwrap_or_default();
        // The buffer has room for all of it.
        let _ = STANDARD.encode_slice(bytes, room);
        out.push(b'"');
    }
}

/// Encoder of dates, times and durations. A value beyond the calendar becomes null, where the
/// library would write words.
struct TimeEncoder<'a>(NullableEncoder<'a>);

impl Encoder for TimeEncoder<'_> {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        let start = out.len();
        self.0.encode(idx, out);
        let written = out.get(start..).unwrap_or_default();
        if written.starts_with(b"\"ERROR") {
            out.truncate(start);
            out.extend_from_slice(b"null");
        }
    }
}

/// Encoder of durations in ISO 8601 seconds. The library fails beyond some hundred million years.
struct DurationEncoder {
    units: ArrayRef,
    per_second: i128,
}

impl Encoder for DurationEncoder {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        let units = i128::from(self.units.as_primitive::<Int64Type>().value(idx));
        if units == 0 {
            return out.extend_from_slice(b"\"P0D\"");
        }
        let sign = if units < 0 { "-" } else { "" };
        let (whole, part) = (
            units.abs() / self.per_second,
            units.abs() % self.per_second * NANOSECONDS / self.per_second,
        );
        let fraction = format!(".{part:09}");
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        out.extend_from_slice(format!("\"{sign}PT{whole}{fraction}S\"").as_bytes());
    }
}

/// Nanoseconds per second.
const NANOSECONDS: i128 = 1_000_000_000;

fn per_second(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => NANOSECONDS,
    }
}

/// Default options of the library.
static PLAIN: LazyLock<EncoderOptions> = LazyLock::new(EncoderOptions::default);

/// Encodes a dictionary. A value is null by its key, or by the dictionary entry.
fn of_dictionary<'a>(
    field: &'a FieldRef,
    array: &'a dyn Array,
    options: &'a EncoderOptions,
) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
    let dictionary = array.as_any_dictionary();
    let values = dictionary.values();
    let keys = if values.is_empty() {
        vec![0; array.len()]
    } else {
        dictionary.normalized_keys()
    };
    let values = make_encoder(field, values, options)?;
    let encoder: Box<dyn Encoder + 'a> = Box::new(DictionaryEncoder { keys, values });
    Ok(Some(NullableEncoder::new(encoder, array.logical_nulls())))
}

/// Encoder of dictionary values.
struct DictionaryEncoder<'a> {
    keys: Vec<usize>,
    values: NullableEncoder<'a>,
}

impl Encoder for DictionaryEncoder<'_> {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        let key = self.keys.get(idx).copied().unwrap_or_default();
        self.values.encode(key, out);
    }
}

/// Encodes a map with keys other than text as an array of objects with key and value.
fn pairs<'a>(
    array: &'a dyn Array,
    options: &'a EncoderOptions,
) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
    let map = array.as_map();
    let is_text = |kind: &DataType| {
        matches!(
            kind,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        )
    };
    if is_text(map.keys().data_type()) {
        return Ok(None);
    }
    let DataType::Map(entries, _) = map.data_type() else {
        return Ok(None);
    };
    let encoder = MapEncoder {
        offsets: map.offsets(),
        entries: make_encoder(entries, map.entries(), options)?,
    };
    let nulls = array.nulls().cloned();
    Ok(Some(NullableEncoder::new(Box::new(encoder), nulls)))
}

struct MapEncoder<'a> {
    offsets: &'a [i32],
    entries: NullableEncoder<'a>,
}

impl Encoder for MapEncoder<'_> {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        let offset = |n: usize| {
            let offset = self.offsets.get(n).copied().unwrap_or_default();
            usize::try_from(offset).unwrap_or_default()
        };
        let (start, end) = (offset(idx), offset(idx + 1));
        out.push(b'[');
        for entry in start..end {
            if entry > start {
                out.push(b',');
            }
            self.entries.encode(entry, out);
        }
        out.push(b']');
    }
}
