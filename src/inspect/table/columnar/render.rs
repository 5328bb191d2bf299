//! Rows of Arrow arrays as JSON text. Normative: `spec/rows.md`.

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
use crate::inspect::table::columnar::guarded;
use crate::wire::limits::COLUMNAR_TEXT_BYTES_MAX;

/// Appends each row as an object on a line of its own; `nan` as of a selection. A row is never cut.
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
        front: 0,
        truncated: 0,
        bytes_read,
    })
}

/// A value of a column.
pub(in crate::inspect) enum ShownValue<'a> {
    /// There is none.
    Null,
    /// A text.
    Text(&'a [u8]),
    /// Anything else, as the JSON that it is in a row.
    Json(&'a [u8]),
}

/// Shows each value of a column, with the number of its row.
///
/// # Errors
/// [`TableError`] for a column that cannot be shown.
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

/// Whether rows of a schema can be shown.
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

/// The same fields with text and bytes as views: they are not copied out of pages, and a value of
/// a dictionary is there once however many rows have it.
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

/// An instant is shown in UTC, whatever the zone it was written in: names of zones take a database.
fn in_utc(kind: &DataType) -> Option<DataType> {
    match kind {
        DataType::Timestamp(unit, Some(_)) => {
            Some(DataType::Timestamp(*unit, Some(Arc::from("+00:00"))))
        }
        _ => None,
    }
}

/// The same fields with instants in UTC.
pub(super) fn with_utc(fields: &Fields) -> Fields {
    fields.iter().map(with_utc_inside).collect()
}

/// The same rows with instants in UTC, which need no database of zones to be shown.
pub(super) fn in_utc_zone(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let fields = with_utc(rows.schema_ref().fields());
    if fields == *rows.schema_ref().fields() {
        return Ok(rows.clone());
    }
    let columns = rows.columns().iter().zip(&fields);
    let columns: Result<Vec<ArrayRef>, _> = columns
        .map(
            |(column, field)| match column.data_type() == field.data_type() {
                true => Ok(Arc::clone(column)),
                false => cast(column, field.data_type()),
            },
        )
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
        .with_encoder_factory(Arc::new(Own { nan }))
}

/// What is rendered otherwise than arrow-json does: text faster, bytes as base64, and maps whose
/// keys are no text.
#[derive(Debug)]
struct Own {
    /// Whether numbers that are none are told from null.
    nan: bool,
}

impl EncoderFactory for Own {
    fn make_default_encoder<'a>(
        &self,
        field: &'a FieldRef,
        array: &'a dyn Array,
        options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Utf8 => {
                let array = array.as_string::<i32>();
                Box::new(Text(move |n| array.value(n)))
            }
            DataType::LargeUtf8 => {
                let array = array.as_string::<i64>();
                Box::new(Text(move |n| array.value(n)))
            }
            DataType::Utf8View => {
                let array = array.as_string_view();
                Box::new(Text(move |n| array.value(n)))
            }
            DataType::Binary => {
                let array = array.as_binary::<i32>();
                Box::new(Base64(move |n| array.value(n)))
            }
            DataType::LargeBinary => {
                let array = array.as_binary::<i64>();
                Box::new(Base64(move |n| array.value(n)))
            }
            DataType::BinaryView => {
                let array = array.as_binary_view();
                Box::new(Base64(move |n| array.value(n)))
            }
            DataType::FixedSizeBinary(_) => {
                let array = array.as_fixed_size_binary();
                Box::new(Base64(move |n| array.value(n)))
            }
            DataType::Float16 | DataType::Float32 | DataType::Float64 if self.nan => {
                let values = cast(array, &DataType::Float64)?;
                let plain = make_encoder(field, array, &PLAIN)?;
                Box::new(Real { values, plain })
            }
            DataType::Map(_, _) => return pairs(array, options),
            DataType::Dictionary(_, _) => return of_dictionary(field, array, options),
            DataType::Duration(unit) => Box::new(Span {
                units: cast(array, &DataType::Int64)?,
                per_second: per_second(*unit),
            }),
            kind if kind.is_temporal() => Box::new(Time(make_encoder(field, array, &PLAIN)?)),
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct Text<F>(F);

impl<'a, F: Fn(usize) -> &'a str> Encoder for Text<F> {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        text_into((self.0)(idx).as_bytes(), out);
    }
}

/// Numbers, those that are none among them.
struct Real<'a> {
    values: ArrayRef,
    plain: NullableEncoder<'a>,
}

impl Encoder for Real<'_> {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        match self.values.as_primitive::<Float64Type>().value(idx) {
            x if x.is_nan() => out.extend_from_slice(b"NaN"),
            f64::INFINITY => out.extend_from_slice(b"Infinity"),
            f64::NEG_INFINITY => out.extend_from_slice(b"-Infinity"),
            _ => self.plain.encode(idx, out),
        }
    }
}

struct Base64<F>(F);

impl<'a, F: Fn(usize) -> &'a [u8]> Encoder for Base64<F> {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        let bytes = (self.0)(idx);
        out.push(b'"');
        let start = out.len();
        out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
        let room = out.get_mut(start..).unwrap_or_default();
        // There is room for all of it.
        let _ = STANDARD.encode_slice(bytes, room);
        out.push(b'"');
    }
}

/// Dates, times and spans of time. What no calendar has is null: the library would put words there.
struct Time<'a>(NullableEncoder<'a>);

impl Encoder for Time<'_> {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        let start = out.len();
        self.0.encode(idx, out);
        let said = out.get(start..).unwrap_or_default();
        if said.starts_with(b"\"ERROR") {
            out.truncate(start);
            out.extend_from_slice(b"null");
        }
    }
}

/// Spans of time as ISO 8601 has them, in seconds. The library does not have those of more than some
/// hundred million years.
struct Span {
    units: ArrayRef,
    per_second: i128,
}

impl Encoder for Span {
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

/// Nanoseconds of a second.
const NANOSECONDS: i128 = 1_000_000_000;

fn per_second(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => NANOSECONDS,
    }
}

/// What the library does by itself.
static PLAIN: LazyLock<EncoderOptions> = LazyLock::new(EncoderOptions::default);

/// A value may be null by its key, or by what the key stands for.
fn of_dictionary<'a>(
    field: &'a FieldRef,
    array: &'a dyn Array,
    options: &'a EncoderOptions,
) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
    let dictionary = array.as_any_dictionary();
    let values = dictionary.values();
    let keys = match values.is_empty() {
        true => vec![0; array.len()],
        false => dictionary.normalized_keys(),
    };
    let values = make_encoder(field, values, options)?;
    let encoder: Box<dyn Encoder + 'a> = Box::new(Named { keys, values });
    Ok(Some(NullableEncoder::new(encoder, array.logical_nulls())))
}

/// Values of a dictionary.
struct Named<'a> {
    keys: Vec<usize>,
    values: NullableEncoder<'a>,
}

impl Encoder for Named<'_> {
    fn encode(&mut self, idx: usize, out: &mut Vec<u8>) {
        let key = self.keys.get(idx).copied().unwrap_or_default();
        self.values.encode(key, out);
    }
}

/// A map whose keys are no text is an array of objects with a key and a value.
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
    let encoder = Pairs {
        offsets: map.offsets(),
        entries: make_encoder(entries, map.entries(), options)?,
    };
    let nulls = array.nulls().cloned();
    Ok(Some(NullableEncoder::new(Box::new(encoder), nulls)))
}

struct Pairs<'a> {
    offsets: &'a [i32],
    entries: NullableEncoder<'a>,
}

impl Encoder for Pairs<'_> {
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
