//! Requests for rows: of one table, in the forms of both generations of the cache, and of several tables at once.

use std::sync::atomic::Ordering;

use arrow_array::RecordBatch;
use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::body::Incoming;
use serde::Deserialize;

use crate::feature_server::arrow_stream::ARROW_STREAM;
use crate::feature_server::arrow_stream::read_batch;
use crate::feature_server::arrow_stream::write_stream;
use crate::feature_server::body::read_body;
use crate::feature_server::http::ordered::Ordered;
use crate::feature_server::http::reply::JSON;
use crate::feature_server::http::reply::Reply;
use crate::feature_server::http::reply::accepts_arrow;
use crate::feature_server::http::reply::reply;
use crate::feature_server::http::reply::sends_arrow;
use crate::feature_server::http::reply::set_origin;
use crate::feature_server::http::request::RowsJson;
use crate::feature_server::http::values::push;
use crate::feature_server::http::values::push_array;
use crate::feature_server::http::values::push_columns;
use crate::feature_server::limits::REQUEST_TABLES_MAX;
use crate::feature_server::limits::SMALL_BODY_BYTES;
use crate::feature_server::lookup::RequestKeys;
use crate::feature_server::lookup::Rows;
use crate::feature_server::lookup::RowsRequest;
use crate::feature_server::lookup::answer_rows;
use crate::feature_server::refusal::Refusal;
use crate::feature_server::state::Link;
use crate::feature_server::state::Shared;
use crate::feature_server::text::facts;
use crate::features::limits::REQUEST_BYTES_MAX;

/// The form of an answer in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `{"num_rows":…,"columns":[{"name":…,"values":…}]}`, of the earliest servers.
    List,
    /// The answer `{"columns":{…}}`.
    Object,
}

/// Reads the columns that an Arrow request asks for in its metadata.
fn columns_of(batch: &RecordBatch) -> Result<Option<Vec<String>>, Refusal> {
    let Some(text) = batch.schema_ref().metadata().get("columns") else {
        return Ok(None);
    };
    let read = serde_json::from_str(text);
    read.map(Some)
        .map_err(|e| Refusal::bad(format!("`columns` of the metadata: {e}")))
}

/// Reads a request for rows of a table.
///
/// # Errors
/// A refusal for a body that is none.
pub(super) fn read_request(
    table: &str,
    bytes: &Bytes,
    is_arrow: bool,
) -> Result<RowsRequest, Refusal> {
    if !is_arrow {
        let read: RowsJson = serde_json::from_slice(bytes).map_err(bad_json)?;
        return Ok(read.of_table(table));
    }
    let batch = read_batch(bytes)?;
    let columns = columns_of(&batch)?;
    let fields = batch.schema_ref().fields().iter();
    let named = fields
        .zip(batch.columns())
        .map(|(field, values)| (field.name().clone(), values.clone()));
    Ok(RowsRequest {
        table: table.to_owned(),
        keys: RequestKeys::Named(named.collect()),
        columns,
        has_status: false,
    })
}

pub(super) fn bad_json(error: serde_json::Error) -> Refusal {
    Refusal::bad(format!("the JSON of the request: {error}"))
}

/// Answers a request for rows of a table.
///
/// # Errors
/// A refusal.
pub(super) async fn fetch(
    shared: &Shared,
    link: &Link,
    table: &str,
    form: Form,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let held = read_body(body, REQUEST_BYTES_MAX, &shared.budget).await?;
    let _turn = shared.work.requests.take().await?;
    let (is_arrow, to_arrow) = (sends_arrow(headers), accepts_arrow(headers));
    let (name, bytes) = (table.to_owned(), held.bytes.clone());
    let request = match bytes.len() > SMALL_BODY_BYTES {
        true => {
            shared
                .work
                .beside(move |_| read_request(&name, &bytes, is_arrow))
                .await?
        }
        false => shared
            .work
            .here(|_| read_request(&name, &bytes, is_arrow))?,
    };
    let is_first = matches!(request.keys, RequestKeys::Single(_));
    link.is_first_generation.store(is_first, Ordering::Relaxed);
    let (reply, keys) = answer_rows(&shared.work, vec![request], move |mut answers| {
        let Some((_, rows)) = answers.pop() else {
            return Err(Refusal::bad("no table"));
        };
        let batch = rows.batch()?;
        let mut made = match to_arrow {
            true => reply(
                StatusCode::OK,
                ARROW_STREAM,
                write_stream(&batch, &rows.origin)?,
            ),
            false => reply(StatusCode::OK, JSON, write_json(&batch, &rows, form)),
        };
        set_origin(&mut made, &rows.origin);
        Ok((made, rows.answer.len()))
    })
    .await?;
    shared
        .metrics
        .keys
        .fetch_add(keys as u64, Ordering::Relaxed);
    Ok(reply)
}

fn write_json(batch: &RecordBatch, rows: &Rows, form: Form) -> Vec<u8> {
    let mut out = Vec::with_capacity(batch.get_array_memory_size() * 2 + 256);
    match form {
        Form::Object => {
            out.extend_from_slice(b"{\"columns\":");
            push_columns(&mut out, batch);
        }
        Form::List => {
            out.extend_from_slice(b"{\"num_rows\":");
            push(&mut out, &batch.num_rows());
            out.extend_from_slice(b",\"columns\":[");
            let fields = batch.schema_ref().fields().iter();
            for (place, (field, values)) in fields.zip(batch.columns()).enumerate() {
                out.extend_from_slice(if place == 0 {
                    b"{\"name\":"
                } else {
                    b",{\"name\":"
                });
                push(&mut out, field.name().as_str());
                out.extend_from_slice(b",\"values\":");
                push_array(&mut out, values);
                out.push(b'}');
            }
            out.push(b']');
        }
    }
    push_absent(&mut out, rows);
    out.push(b'}');
    out
}

/// Appends the numbers of keys without a row that is not too old. In a sparse answer a missing row is not there.
fn push_absent(out: &mut Vec<u8>, rows: &Rows) {
    let expired = rows.expired();
    if !expired.is_empty() {
        out.extend_from_slice(b",\"expired\":");
        push(out, &expired);
    }
    if !rows.is_sparse {
        let missing = rows.missing();
        out.extend_from_slice(b",\"missing\":");
        push(out, &missing);
    }
}

/// A request for rows of several tables.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeveralJson {
    tables: Ordered<RowsJson>,
}

/// Answers a request for rows of several tables, with different keys.
///
/// # Errors
/// A refusal, also of one of the tables.
pub(super) async fn fetch_several(shared: &Shared, body: Incoming) -> Result<Reply, Refusal> {
    let held = read_body(body, REQUEST_BYTES_MAX, &shared.budget).await?;
    let _turn = shared.work.requests.take().await?;
    let bytes = held.bytes.clone();
    let read = move || -> Result<Vec<RowsRequest>, Refusal> {
        let read: SeveralJson = serde_json::from_slice(&bytes).map_err(bad_json)?;
        if read.tables.0.len() > REQUEST_TABLES_MAX {
            let why = format!("a request has at most {REQUEST_TABLES_MAX} tables");
            return Err(Refusal::bad(why));
        }
        let tables = read.tables.0.into_iter();
        Ok(tables.map(|(table, rows)| rows.of_table(&table)).collect())
    };
    let requests = match held.bytes.len() > SMALL_BODY_BYTES {
        true => shared.work.beside(move |_| read()).await?,
        false => shared.work.here(|_| read())?,
    };
    let (out, keys) = answer_rows(&shared.work, requests, |answers| {
        let mut out = b"{\"tables\":{".to_vec();
        let mut keys = 0;
        for (place, (table, rows)) in answers.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            keys += rows.answer.len();
            push(&mut out, table.as_str());
            out.extend_from_slice(b":{\"columns\":");
            push_columns(&mut out, &rows.batch()?);
            push_absent(&mut out, rows);
            for (name, value) in facts(&rows.origin) {
                out.push(b',');
                push(&mut out, name.as_str());
                out.push(b':');
                push(&mut out, value.as_str());
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"}}");
        Ok((out, keys))
    })
    .await?;
    shared
        .metrics
        .keys
        .fetch_add(keys as u64, Ordering::Relaxed);
    Ok(reply(StatusCode::OK, JSON, out))
}
