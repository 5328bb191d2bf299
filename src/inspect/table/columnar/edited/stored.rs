//! Rows of edits of columnar files: their stored text, and their decoding.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_array::RecordBatchOptions;
use arrow_cast::cast;
use arrow_json::ReaderBuilder;
use arrow_schema::ArrowError;
use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Schema;
use arrow_schema::SchemaRef;

use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::inspect::table::guarded_call::guarded;

/// A stored row of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditedRow<'a> {
    /// A whole row, as a JSON object.
    Whole(&'a [u8]),
    /// Number of a row of the base, and an object of the columns that differ.
    Changed(u64, &'a [u8]),
}

impl<'a> EditedRow<'a> {
    /// Parses the text of a stored row, without its line end.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        if let Some(object) = text.strip_prefix(b"=") {
            return Some(Self::Whole(object));
        }
        let rest = text.strip_prefix(b"~")?;
        let space = rest.iter().position(|b| *b == b' ')?;
        let number = std::str::from_utf8(rest.get(..space)?).ok()?;
        let object = rest.get(space + 1..)?;
        Some(Self::Changed(number.parse().ok()?, object))
    }

    /// Returns the text of the stored row, with its line end.
    pub fn to_text(self) -> Vec<u8> {
        let (front, object) = match self {
            Self::Whole(object) => ("=".to_owned(), object),
            Self::Changed(row, object) => (format!("~{row} "), object),
        };
        [front.as_bytes(), object, b"\n"].concat()
    }
}

/// Decodes the stored rows of a region, and appends them.
pub(super) fn rows_of(
    text: &[u8],
    skip: u64,
    schema: &SchemaRef,
    base: &dyn Fn(u64) -> Option<RecordBatch>,
    out: &mut Vec<RecordBatch>,
) -> Result<(), TableError> {
    let damaged = || TableError::Damaged("an edited row has another form".to_owned());
    let lines = text.split_inclusive(|b| *b == b'\n');
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    // Whole rows that follow each other are decoded together.
    let mut whole = Vec::new();
    for line in lines.skip(skip) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        match EditedRow::parse(line).ok_or_else(damaged)? {
            EditedRow::Whole(object) => {
                whole.extend_from_slice(object);
                whole.push(b'\n');
            }
            EditedRow::Changed(row, object) => {
                if !whole.is_empty() {
                    out.push(decoded(&whole, schema)?);
                    whole.clear();
                }
                let base = base(row).ok_or_else(damaged)?;
                out.push(changed(&base, object)?);
            }
        }
    }
    if !whole.is_empty() {
        out.push(decoded(&whole, schema)?);
    }
    Ok(())
}

/// Replaces columns of one row.
fn changed(base: &RecordBatch, object: &[u8]) -> Result<RecordBatch, TableError> {
    let keys = keys_of(object);
    let schema = base.schema();
    let new = decoded(object, &only(&schema, &keys))?;
    let columns = schema.fields().iter().zip(base.columns());
    let columns = columns.map(|(field, old)| {
        let new = new.column_by_name(field.name());
        Arc::clone(new.unwrap_or(old))
    });
    batch_of(&schema, columns.collect(), base.num_rows())
}

fn keys_of(object: &[u8]) -> Vec<String> {
    let mut keys = Vec::new();
    Shape::Json.each_cell(object, &mut Scratch::default(), &mut |name, _| {
        keys.push(name.to_owned());
    });
    keys
}

fn only(schema: &Schema, keys: &[String]) -> SchemaRef {
    let fields = schema.fields().iter().filter(|f| keys.contains(f.name()));
    Arc::new(Schema::new(
        fields.cloned().collect::<arrow_schema::Fields>(),
    ))
}

/// Decodes objects into the columns of a schema.
fn decoded(objects: &[u8], schema: &SchemaRef) -> Result<RecordBatch, TableError> {
    let rows = objects.split(|b| *b == b'\n').filter(|row| !row.is_empty());
    let rows = rows.count();
    if schema.fields().is_empty() {
        return batch_of(schema, Vec::new(), rows);
    }
    let plain = plain_schema(schema);
    let made = guarded(|| {
        let reader = ReaderBuilder::new(Arc::clone(&plain)).with_batch_size(rows.max(1));
        let mut decoder = reader.build_decoder()?;
        let mut rest = objects;
        while !rest.is_empty() {
            let n = decoder.decode(rest)?;
            if n == 0 {
                break;
            }
            rest = rest.get(n..).unwrap_or_default();
        }
        let found = decoder.flush()?;
        found.ok_or_else(|| ArrowError::JsonError("an edited row is no object".to_owned()))
    })?;
    if made.num_rows() != rows {
        let why = "an edited row has another form".to_owned();
        return Err(TableError::Damaged(why));
    }
    let columns = made.columns().iter().zip(schema.fields());
    let columns: Result<Vec<ArrayRef>, ArrowError> = columns
        .map(
            |(column, field)| match column.data_type() == field.data_type() {
                true => Ok(Arc::clone(column)),
                false => cast(column, field.data_type()),
            },
        )
        .collect();
    let columns = columns.map_err(|e| TableError::Damaged(e.to_string()))?;
    batch_of(schema, columns, rows)
}

fn batch_of(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch, TableError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let made = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options);
    made.map_err(|e| TableError::Damaged(e.to_string()))
}

/// Replaces types that JSON is not decoded to by those of their values.
fn plain_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let plain = match field.data_type() {
            DataType::Dictionary(_, values) => values.as_ref().clone(),
            DataType::RunEndEncoded(_, values) => values.data_type().clone(),
            DataType::Utf8View => DataType::Utf8,
            other => other.clone(),
        };
        Field::new(field.name(), plain, field.is_nullable())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Checks that an object has a form in the columns of a schema; `is_whole` if it is a row, and not
/// some columns of one.
///
/// # Errors
/// The name of a column that is not there, or the reason.
pub fn check_row(object: &[u8], schema: &SchemaRef, is_whole: bool) -> Result<(), CheckError> {
    let keys = keys_of(object);
    for key in &keys {
        let field = schema.field_with_name(key);
        let field = field.map_err(|_| CheckError::NoColumn(key.clone()))?;
        if is_binary(field.data_type()) {
            let why = format!("`{key}` has binary values, which no JSON text stands for");
            return Err(CheckError::Other(why));
        }
    }
    let columns = match is_whole {
        true => Arc::clone(schema),
        false => only(schema, &keys),
    };
    let one_line = !object.contains(&b'\n');
    match decoded(object, &columns) {
        Ok(_) if one_line => Ok(()),
        Ok(_) => Err(CheckError::Other("it has a line break".to_owned())),
        Err(error) => Err(CheckError::Other(error.to_string())),
    }
}

/// Reason why a row does not fit columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckError {
    /// The row has a column that the file does not have.
    NoColumn(String),
    /// A value does not have the type of its column.
    Other(String),
}

/// Returns true for a type with binary values at any depth.
fn is_binary(of: &DataType) -> bool {
    match of {
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => true,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => is_binary(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|f| is_binary(f.data_type())),
        DataType::Dictionary(_, values) => is_binary(values),
        _ => false,
    }
}
