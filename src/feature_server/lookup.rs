//! Requests for rows: on the thread of the connection, or beside it if they are large.

use std::sync::Arc;

use arrow_array::Array as _;
use arrow_array::ArrayRef;
use arrow_array::Int64Array;
use arrow_array::RecordBatch;
use arrow_array::UInt8Array;
use arrow_array::UInt64Array;
use arrow_array::cast::AsArray as _;
use arrow_array::new_null_array;
use arrow_array::types::Int64Type;
use arrow_array::types::UInt64Type;
use arrow_schema::DataType as ArrowType;
use arrow_schema::Field;
use arrow_schema::Schema;

use crate::feature_server::limits::SMALL_ANSWER_BYTES;
use crate::feature_server::limits::SMALL_KEYS;
use crate::feature_server::refusal::Refusal;
use crate::feature_server::state::Work;
use crate::feature_server::state::now;
use crate::features::Answer;
use crate::features::ColumnSpec;
use crate::features::DataType;
use crate::features::Keys;
use crate::features::Origin;
use crate::features::Status;
use crate::features::TableSchema;
use crate::features::serving::FeatureTables;

/// Name of the column that says for each key if there is a row.
const STATUS_COLUMN: &str = "_status";
/// Bytes that a text counts for.
const TEXT_BYTES: usize = 64;

/// The keys of a request.
#[derive(Debug)]
pub(super) enum RequestKeys {
    /// Columns by name. Only rows that are there are answered.
    Named(Vec<(String, ArrayRef)>),
    /// Values of the only column. Every key has an answer.
    Single(ArrayRef),
}

/// A request for rows of a table.
#[derive(Debug)]
pub(super) struct RowsRequest {
    pub(super) table: String,
    pub(super) keys: RequestKeys,
    /// The columns; none for all but those of the key.
    pub(super) columns: Option<Vec<String>>,
    /// True if a column says for each key if there is a row.
    pub(super) has_status: bool,
}

/// The rows of an answer.
pub(super) struct Rows {
    pub(super) answer: Answer,
    pub(super) origin: Origin,
    pub(super) is_sparse: bool,
    pub(super) has_status: bool,
}

impl RequestKeys {
    fn len(&self) -> usize {
        match self {
            Self::Named(columns) => columns.first().map_or(0, |(_, values)| values.len()),
            Self::Single(values) => values.len(),
        }
    }

    fn is_sparse(&self) -> bool {
        matches!(self, Self::Named(_))
    }
}

/// Converts integers between those with a sign and those without one, which clients do not tell apart. A value that
/// the column cannot have becomes null: it has no row.
fn fit(values: &ArrayRef, column: &ColumnSpec) -> ArrayRef {
    let is_signed = matches!(
        column.data_type,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64
    );
    let is_unsigned = column.data_type.is_key() && !is_signed && column.data_type != DataType::Utf8;
    match values.data_type() {
        ArrowType::Int64 if is_unsigned => {
            let values = values.as_primitive::<Int64Type>();
            let fitted = values.iter().map(|v| v.and_then(|v| u64::try_from(v).ok()));
            Arc::new(fitted.collect::<UInt64Array>())
        }
        ArrowType::UInt64 if is_signed => {
            let values = values.as_primitive::<UInt64Type>();
            let fitted = values.iter().map(|v| v.and_then(|v| i64::try_from(v).ok()));
            Arc::new(fitted.collect::<Int64Array>())
        }
        // Of keys without a value, the type is not known.
        ArrowType::Null => new_null_array(&column.data_type.arrow(), values.len()),
        _ => Arc::clone(values),
    }
}

fn keys_of(schema: &TableSchema, keys: &RequestKeys) -> Result<Keys, Refusal> {
    Ok(match keys {
        RequestKeys::Named(columns) => {
            let fitted = columns.iter().map(|(name, values)| {
                let column = schema.key().find(|c| c.name == *name);
                let values = column.map_or_else(|| Arc::clone(values), |c| fit(values, c));
                (name.clone(), values)
            });
            Keys::of_columns(schema, &fitted.collect::<Vec<_>>())?
        }
        RequestKeys::Single(values) => {
            let column = schema.key().next();
            let values = column.map_or_else(|| Arc::clone(values), |c| fit(values, c));
            Keys::of_column(schema, &values)?
        }
    })
}

/// Looks the rows of a request up.
///
/// # Errors
/// A refusal for a table, a column or keys that are not there or do not fit.
pub(super) fn look_up(tables: &FeatureTables, request: &RowsRequest) -> Result<Rows, Refusal> {
    let schema = tables.schema(&request.table)?;
    let keys = keys_of(&schema, &request.keys)?;
    let columns: Vec<&str> = match &request.columns {
        Some(columns) => columns.iter().map(String::as_str).collect(),
        None => {
            let is_key = |name: &str| schema.key().any(|c| c.name == name);
            let names = schema.columns().iter().map(|c| c.name.as_str());
            names.filter(|name| !is_key(name)).collect()
        }
    };
    let served = tables.get(&request.table, &keys, &columns, now())?;
    Ok(Rows {
        answer: served.answer,
        origin: served.origin,
        is_sparse: request.keys.is_sparse(),
        has_status: request.has_status,
    })
}

/// Returns true if a lookup takes long enough to be kept off the threads of connections.
fn is_large(tables: &FeatureTables, request: &RowsRequest) -> bool {
    if request.keys.len() > SMALL_KEYS {
        return true;
    }
    let Ok(schema) = tables.schema(&request.table) else {
        return false;
    };
    let columns = schema.columns().iter();
    let wanted = columns.filter(|c| {
        let named = request.columns.as_ref();
        named.is_none_or(|named| named.contains(&c.name))
    });
    let row: usize = wanted
        .map(|c| c.data_type.width().unwrap_or(TEXT_BYTES))
        .sum();
    row.saturating_mul(request.keys.len()) > SMALL_ANSWER_BYTES
}

/// Looks rows up and makes an answer of them.
///
/// # Errors
/// As [`look_up`]; those of the making; a refusal if there is too much to do.
pub(super) async fn answer_rows<T: Send + 'static>(
    work: &Work,
    requests: Vec<RowsRequest>,
    make: impl FnOnce(Vec<(String, Rows)>) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let is_large = requests
        .iter()
        .any(|request| is_large(&work.tables, request));
    let all = move |tables: &FeatureTables| {
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            let rows = look_up(tables, &request).map_err(|mut refusal| {
                // A column that is missing is one of a table.
                if !refusal.message.contains(&format!("`{}`", request.table)) {
                    refusal.message = format!("table `{}`: {}", request.table, refusal.message);
                }
                refusal
            })?;
            answers.push((request.table, rows));
        }
        make(answers)
    };
    match is_large {
        true => work.beside(all).await,
        false => work.here(all),
    }
}

impl Rows {
    /// Returns the rows as a batch: those that are there with the number of their key, or one for each key.
    ///
    /// # Errors
    /// A refusal for columns that do not fit together, which does not happen.
    pub(super) fn batch(&self) -> Result<RecordBatch, Refusal> {
        if self.is_sparse {
            return Ok(self.answer.sparse()?);
        }
        let dense = self.answer.dense()?;
        if !self.has_status {
            return Ok(dense);
        }
        let field = Field::new(STATUS_COLUMN, ArrowType::UInt8, false);
        let mut fields: Vec<_> = dense.schema().fields().iter().cloned().collect();
        let mut columns = dense.columns().to_vec();
        fields.push(Arc::new(field));
        columns.push(Arc::new(UInt8Array::from(self.statuses())));
        let made = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns);
        made.map_err(|e| Refusal::bad(e.to_string()))
    }

    /// Returns for each key 0 if there is a row, 1 if there is none, and 2 if it is too old.
    fn statuses(&self) -> Vec<u8> {
        let rows = 0..self.answer.len();
        let status = |row| match self.answer.status(row, usize::MAX) {
            Status::Missing => 1,
            Status::Expired => 2,
            Status::Null | Status::Present => 0,
        };
        rows.map(status).collect()
    }

    /// Returns the numbers of the keys whose rows are too old.
    pub(super) fn expired(&self) -> Vec<usize> {
        let rows = 0..self.answer.len();
        rows.filter(|row| self.answer.status(*row, usize::MAX) == Status::Expired)
            .collect()
    }

    /// Returns the numbers of the keys without a row.
    pub(super) fn missing(&self) -> Vec<usize> {
        let rows = 0..self.answer.len();
        rows.filter(|row| self.answer.status(*row, usize::MAX) == Status::Missing)
            .collect()
    }
}
