//! Rows of clients and of segments, on their way into a segment.

use std::sync::Arc;

use arrow_array::Array as _;
use arrow_array::RecordBatch;
use arrow_array::RecordBatchOptions;
use arrow_array::new_null_array;
use arrow_schema::ArrowError;
use arrow_schema::Field;
use arrow_schema::Schema;
use arrow_schema::SchemaRef;

use crate::features::error::FeatureError;
use crate::features::keys::Keys;
use crate::features::schema::ColumnSpec;
use crate::features::schema::TableSchema;
use crate::features::schema::widen;
use crate::features::table::FeatureTable;

/// The name of rows that a client sends, in messages.
const SENT: &str = "the rows";
/// Rows of a segment that are in memory at a time.
const BATCH_ROWS: usize = 65_536;

fn misfit(why: String) -> FeatureError {
    FeatureError::Mismatch {
        file: SENT.to_owned(),
        why,
    }
}

/// Returns the Arrow schema of rows on their way into a segment.
fn arrow_schema(schema: &TableSchema) -> SchemaRef {
    let fields = schema
        .columns()
        .iter()
        .map(|c| Field::new(&c.name, c.data_type.arrow(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Returns rows with the columns of a table: values of narrower types are widened, and columns that may be null and
/// that are not there are filled with nulls.
///
/// # Errors
/// [`FeatureError::Mismatch`] for other columns, for values of other types, and for nulls that a column does not have.
pub(super) fn conformed(
    schema: &TableSchema,
    rows: &RecordBatch,
) -> Result<RecordBatch, FeatureError> {
    let given = rows.schema();
    for (at, field) in given.fields().iter().enumerate() {
        let name = field.name();
        if !schema.columns().iter().any(|c| c.name == *name) {
            return Err(misfit(format!("the table has no column `{name}`")));
        }
        if given.index_of(name).ok() != Some(at) {
            return Err(misfit(format!("they have two columns `{name}`")));
        }
    }
    let key: Vec<&str> = schema.key().map(|c| c.name.as_str()).collect();
    let columns = schema.columns().iter().map(|column: &ColumnSpec| {
        let name = &column.name;
        let is_key = key.contains(&name.as_str());
        let Some(values) = rows.column_by_name(name) else {
            return match column.is_nullable && !is_key {
                true => Ok(new_null_array(&column.data_type.arrow(), rows.num_rows())),
                false => Err(misfit(format!("they lack the column `{name}`"))),
            };
        };
        let values = widen(values, column).map_err(|why| misfit(format!("`{name}`: {why}")))?;
        match (values.null_count(), is_key, column.is_nullable) {
            (0, ..) | (_, false, true) => Ok(values),
            (_, true, _) => Err(misfit(format!("the key `{name}` has nulls"))),
            (_, false, false) => Err(misfit(format!("`{name}` has nulls, and may have none"))),
        }
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let whole = RecordBatch::try_new_with_options(arrow_schema(schema), columns, &options);
    whole.map_err(|e: ArrowError| misfit(e.to_string()))
}

/// Iterates over the rows of segments in batches, the segments in order.
pub(super) fn rows_of(
    segments: Vec<Arc<FeatureTable>>,
) -> impl Iterator<Item = Result<RecordBatch, FeatureError>> {
    segments.into_iter().flat_map(|table| {
        let starts = (0..table.rows()).step_by(BATCH_ROWS);
        starts.map(move |first| {
            let batch = table.scan(first, BATCH_ROWS)?;
            conformed(table.schema(), &batch)
        })
    })
}

/// Returns the number of rows of a segment whose keys have rows in other segments.
pub(super) fn rows_also_in(
    others: &[Arc<FeatureTable>],
    segment: &FeatureTable,
) -> Result<u64, FeatureError> {
    let schema = segment.schema();
    let mut count = 0;
    for first in (0..segment.rows()).step_by(BATCH_ROWS) {
        let batch = segment.scan(first, BATCH_ROWS)?;
        let key = schema.key().filter_map(|column| {
            let values = batch.column_by_name(&column.name)?;
            Some((column.name.clone(), Arc::clone(values)))
        });
        let keys = Keys::of_columns(schema, &key.collect::<Vec<_>>())?;
        let answers = others.iter().map(|other| other.get(&keys, &[], None));
        let answers = answers.collect::<Result<Vec<_>, _>>()?;
        let is_there = |row: &usize| answers.iter().any(|answer| answer.is_live(*row));
        count += (0..keys.len()).filter(is_there).count() as u64;
    }
    Ok(count)
}
