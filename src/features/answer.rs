//! The answer to a request.

use std::sync::Arc;

use arrow_array::Array as _;
use arrow_array::ArrayRef;
use arrow_array::RecordBatch;
use arrow_array::RecordBatchOptions;
use arrow_array::UInt32Array;
use arrow_array::new_null_array;
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType as ArrowType;
use arrow_schema::Field;
use arrow_schema::Schema;
use arrow_schema::SchemaRef;
use arrow_select::interleave::interleave;
use arrow_select::take::take;

use crate::features::error::FeatureError;
use crate::features::schema::ColumnSpec;
use crate::features::schema::TableSchema;

/// The reason why a value is there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The row is older than the table's time to live.
    Expired,
    /// The key has no row.
    Missing,
    /// The row has no value in this column.
    Null,
    /// The value is there.
    Present,
}

/// The rows of a request, one for each key in the order of the keys.
#[derive(Clone, Debug)]
pub struct Answer {
    schema: SchemaRef,
    columns: Vec<ArrayRef>,
    /// A bit for each key that has a row, also an expired one.
    found: BooleanBuffer,
    /// A bit for each row that is too old, of a table with a time to live.
    expired: Option<BooleanBuffer>,
    /// The time of each row in microseconds, of a table with times.
    times: Option<Vec<Option<i64>>>,
}

impl Answer {
    pub(crate) fn new(schema: SchemaRef, columns: Vec<ArrayRef>, found: BooleanBuffer) -> Self {
        Self {
            schema,
            columns,
            found,
            expired: None,
            times: None,
        }
    }

    pub(crate) fn with_times(
        mut self,
        times: Vec<Option<i64>>,
        expired: Option<BooleanBuffer>,
    ) -> Self {
        self.times = Some(times);
        self.expired = expired;
        self
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Returns the columns in the requested order, a value for each key; null for rows that are missing or expired.
    pub fn columns(&self) -> &[ArrayRef] {
        &self.columns
    }

    /// Returns the names and types of the columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns true if a key has a row that is not too old.
    pub fn is_live(&self, row: usize) -> bool {
        row < self.found.len()
            && self.found.value(row)
            && !self.expired.as_ref().is_some_and(|e| e.value(row))
    }

    /// Returns whether the value of a row in a column was there.
    pub fn status(&self, row: usize, column: usize) -> Status {
        if row >= self.found.len() || !self.found.value(row) {
            return Status::Missing;
        }
        if self.expired.as_ref().is_some_and(|e| e.value(row)) {
            return Status::Expired;
        }
        match self.columns.get(column) {
            Some(values) if values.is_valid(row) => Status::Present,
            _ => Status::Null,
        }
    }

    /// Returns the time of a row in microseconds since 1970-01-01 UTC, of a table with times; `None` for a row whose time
    /// is null, and for a key without a row.
    pub fn time(&self, row: usize) -> Option<i64> {
        let times = self.times.as_ref()?;
        times.get(row).copied().flatten()
    }

    /// Returns the numbers of the keys without a row that is not too old.
    pub fn missing(&self) -> Vec<usize> {
        (0..self.len()).filter(|row| !self.is_live(*row)).collect()
    }

    /// Returns all rows, those that are missing as nulls.
    ///
    /// # Errors
    /// [`FeatureError::Request`] if the columns do not fit, which does not happen.
    pub fn dense(&self) -> Result<RecordBatch, FeatureError> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.len()));
        let batch = RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            self.columns.clone(),
            &options,
        );
        batch.map_err(|e| FeatureError::Request(e.to_string()))
    }

    /// Returns the rows that are there, with the number of their key in a first column `_idx`, in the order of keys.
    ///
    /// # Errors
    /// As [`Answer::dense`].
    pub fn sparse(&self) -> Result<RecordBatch, FeatureError> {
        let expired = self.expired.as_ref();
        let is_all = self.found.count_set_bits() == self.len()
            && expired.is_none_or(|expired| expired.count_set_bits() == 0);
        let rows = 0..u32::try_from(self.len()).unwrap_or(u32::MAX);
        let index = match is_all {
            true => UInt32Array::from_iter_values(rows),
            false => UInt32Array::from_iter_values(rows.filter(|row| self.is_live(*row as usize))),
        };
        let bad = |e: arrow_schema::ArrowError| FeatureError::Request(e.to_string());
        let mut fields = vec![Arc::new(Field::new("_idx", ArrowType::UInt32, false))];
        fields.extend(self.schema.fields().iter().cloned());
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(fields.len());
        for column in &self.columns {
            columns.push(match is_all {
                true => Arc::clone(column),
                false => take(column, &index, None).map_err(bad)?,
            });
        }
        columns.insert(0, Arc::new(index));
        let schema = Schema::new_with_metadata(fields, self.schema.metadata().clone());
        RecordBatch::try_new(Arc::new(schema), columns).map_err(bad)
    }
}

impl Answer {
    /// Returns the answer of a table without rows.
    pub(crate) fn without_rows(
        schema: &TableSchema,
        columns: &[&str],
        count: usize,
    ) -> Result<Self, FeatureError> {
        let mut fields = Vec::with_capacity(columns.len());
        for name in columns {
            let place = schema.place(name)?;
            fields.extend(schema.columns().get(place).map(ColumnSpec::field));
        }
        let values = fields
            .iter()
            .map(|field| new_null_array(field.data_type(), count));
        let values = values.collect();
        let found = BooleanBuffer::new_unset(count);
        let answer = Self::new(Arc::new(Schema::new(fields)), values, found);
        Ok(match schema.timestamp() {
            Some(_) => answer.with_times(vec![None; count], None),
            None => answer,
        })
    }

    /// Puts answers to one request together: each row is that of the first answer that has one.
    pub(crate) fn newest_of(answers: &[Self]) -> Result<Self, FeatureError> {
        let bad = |e: arrow_schema::ArrowError| FeatureError::Request(e.to_string());
        let Some(first) = answers.first() else {
            return Err(FeatureError::Request("there is no answer".to_owned()));
        };
        let count = first.len();
        let is_found = |answer: &Self, row| row < answer.len() && answer.found.value(row);
        let places: Vec<(usize, usize)> = (0..count)
            .map(|row| {
                let newest = answers.iter().position(|answer| is_found(answer, row));
                (newest.unwrap_or(0), row)
            })
            .collect();
        let mut columns = Vec::with_capacity(first.columns.len());
        for column in 0..first.columns.len() {
            let values = answers.iter().filter_map(|a| a.columns.get(column));
            let values: Vec<&dyn arrow_array::Array> = values.map(|v| &**v).collect();
            columns.push(interleave(&values, &places).map_err(bad)?);
        }
        let at = |(answer, row): &(usize, usize)| answers.get(*answer).map(|a| (a, *row));
        let found = places
            .iter()
            .map(|p| at(p).is_some_and(|(a, row)| is_found(a, row)));
        let merged = Self::new(Arc::clone(&first.schema), columns, found.collect());
        if first.times.is_none() {
            return Ok(merged);
        }
        let times = places
            .iter()
            .map(|p| at(p).and_then(|(a, row)| a.time(row)));
        let times = times.collect();
        let is_expired =
            |(a, row): (&Self, usize)| a.expired.as_ref().is_some_and(|e| e.value(row));
        let expired = answers.iter().any(|a| a.expired.is_some()).then(|| {
            let bits = places.iter().map(|p| at(p).is_some_and(is_expired));
            bits.collect()
        });
        Ok(merged.with_times(times, expired))
    }
}
