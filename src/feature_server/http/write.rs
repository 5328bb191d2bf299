//! Rows that clients write: as JSON, as an Arrow stream, or as a Parquet file.

use std::sync::Arc;

use arrow_array::RecordBatch;
use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::Value;

use crate::feature_server::arrow_stream::read_stream;
use crate::feature_server::body::read_body;
use crate::feature_server::http::cells::batch_of;
use crate::feature_server::http::fetch::bad_json;
use crate::feature_server::http::ordered::Ordered;
use crate::feature_server::http::reply::Reply;
use crate::feature_server::http::reply::empty;
use crate::feature_server::http::reply::sends_arrow;
use crate::feature_server::http::reply::sends_parquet;
use crate::feature_server::limits::JSON_WRITE_BYTES_MAX;
use crate::feature_server::refusal::Refusal;
use crate::feature_server::state::Shared;
use crate::feature_server::state::now;
use crate::features::TableSchema;
use crate::features::limits::WRITE_BYTES_MAX;
use crate::features::serving::FeatureTables;
use crate::inspect::table::Batch;
use crate::inspect::table::Decoded;
use crate::inspect::table::NextBatch;
use crate::inspect::table::OpenOptions;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::inspect::table::open_table;
use crate::read_at::ReadAt;

/// Rows as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowsToWrite {
    columns: Ordered<Vec<Value>>,
}

/// The form of the body of a write.
#[derive(Clone, Copy)]
enum Form {
    Arrow,
    Json,
    Parquet,
}

/// Writes the rows of a body to a table.
///
/// # Errors
/// A refusal for rows that do not fit, and a table that is not there or has a source.
pub(super) async fn write(
    shared: &Shared,
    table: &str,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let form = match (sends_arrow(headers), sends_parquet(headers)) {
        (true, _) => Form::Arrow,
        (false, true) => Form::Parquet,
        (false, false) => Form::Json,
    };
    let limit = match form {
        Form::Json => JSON_WRITE_BYTES_MAX,
        Form::Arrow | Form::Parquet => WRITE_BYTES_MAX,
    };
    let held = read_body(body, limit, &shared.budget).await?;
    let (table, bytes) = (table.to_owned(), held.bytes.clone());
    let written = shared.work.beside(move |tables| {
        let rows = match form {
            Form::Arrow => read_stream(&bytes)?.1,
            Form::Json => {
                let read: RowsToWrite = serde_json::from_slice(&bytes).map_err(bad_json)?;
                vec![batch_of(&tables.schema(&table)?, read.columns.0)?]
            }
            Form::Parquet => read_parquet(&bytes, &tables.schema(&table)?)?,
        };
        write_rows(tables, &table, &rows)
    });
    written.await?;
    Ok(empty(StatusCode::OK))
}

/// Writes rows, with the columns of the table only.
///
/// # Errors
/// As [`write`].
pub(super) fn write_rows(
    tables: &FeatureTables,
    table: &str,
    rows: &[RecordBatch],
) -> Result<u64, Refusal> {
    let schema = tables.schema(table)?;
    let mut fitting = Vec::with_capacity(rows.len());
    for batch in rows {
        let mut places = Vec::new();
        for column in schema.columns() {
            let place = batch.schema_ref().index_of(&column.name);
            places.push(
                place.map_err(|_| {
                    Refusal::bad(format!("the column `{}` is missing", column.name))
                })?,
            );
        }
        fitting.push(
            batch
                .project(&places)
                .map_err(|e| Refusal::bad(e.to_string()))?,
        );
    }
    Ok(tables.write(table, &fitting, now())?)
}

/// Reads the rows of a Parquet file that stand in columns of the table.
fn read_parquet(bytes: &Bytes, schema: &TableSchema) -> Result<Vec<RecordBatch>, Refusal> {
    let refused = |e: TableError| Refusal::bad(format!("the Parquet file: {e}"));
    let file: Arc<dyn ReadAt> = Arc::new(HeldFile(bytes.clone()));
    let opened = open_table(file, "rows.parquet", OpenOptions::default()).map_err(refused)?;
    if opened.table.columnar().is_none() {
        return Err(Refusal::bad("the body is no Parquet file"));
    }
    let columns = schema.columns().iter().map(|column| column.name.clone());
    let selection = Selection {
        columns: columns.collect(),
        decoded: Decoded::Alone,
        ..Selection::default()
    };
    let batches = opened.table.batches(&selection).map_err(refused)?;
    let (mut batch, mut rows) = (Batch::default(), Vec::new());
    while let NextBatch::Batch(_) = batches.next(&mut batch).map_err(refused)? {
        rows.extend(batch.decoded().cloned());
    }
    Ok(rows)
}

/// A file in memory.
struct HeldFile(Bytes);

impl ReadAt for HeldFile {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
        (&self.0[..]).read_at(buffer, offset)
    }
}
