//! The protocol of Feast's remote online store. A feature view is a table, and a feature a column.

use std::sync::atomic::Ordering;

use hyper::StatusCode;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::Value;

use crate::feature_server::body::read_body;
use crate::feature_server::http::cells::batch_of;
use crate::feature_server::http::fetch::bad_json;
use crate::feature_server::http::ordered::Ordered;
use crate::feature_server::http::reply::JSON;
use crate::feature_server::http::reply::Reply;
use crate::feature_server::http::reply::json;
use crate::feature_server::http::reply::reply;
use crate::feature_server::http::request::ValuesJson;
use crate::feature_server::http::values::push;
use crate::feature_server::http::values::push_array;
use crate::feature_server::http::values::push_list;
use crate::feature_server::http::values::push_value;
use crate::feature_server::http::write::write_rows;
use crate::feature_server::limits::JSON_WRITE_BYTES_MAX;
use crate::feature_server::limits::REQUEST_TABLES_MAX;
use crate::feature_server::lookup::RequestKeys;
use crate::feature_server::lookup::Rows;
use crate::feature_server::lookup::RowsRequest;
use crate::feature_server::lookup::answer_rows;
use crate::feature_server::refusal::Refusal;
use crate::feature_server::state::Shared;
use crate::feature_server::text::time_text;
use crate::features::Status;
use crate::features::limits::COLUMNS_MAX;
use crate::features::limits::REQUEST_BYTES_MAX;
use crate::features::serving::FeatureTables;

/// The time of a row that has none, and of a row that is missing.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

/// A request for features. Further members are those of other versions.
#[derive(Deserialize)]
struct ReadJson {
    entities: Ordered<ValuesJson>,
    #[serde(default)]
    features: Vec<String>,
    feature_service: Option<String>,
    #[serde(default)]
    full_feature_names: bool,
}

/// A feature of a request: its table by place, its column, and its name in the answer.
struct Feature {
    table: usize,
    column: usize,
    name: String,
}

/// The lookups of a request, and the features of its answer.
struct Plan {
    entities: Ordered<ValuesJson>,
    requests: Vec<RowsRequest>,
    features: Vec<Feature>,
}

/// Answers a request for features of any number of views.
///
/// # Errors
/// A refusal for a feature service, and for views, features and entities that are not there.
pub(super) async fn read(shared: &Shared, body: Incoming) -> Result<Reply, Refusal> {
    let held = read_body(body, REQUEST_BYTES_MAX, &shared.budget).await?;
    let _turn = shared.work.requests.take().await?;
    let bytes = held.bytes.clone();
    let plan = |tables: &FeatureTables| -> Result<Plan, Refusal> {
        plan(tables, serde_json::from_slice(&bytes).map_err(bad_json)?)
    };
    let Plan {
        entities,
        requests,
        features,
    } = shared.work.here(plan)?;
    let keys = entities
        .0
        .first()
        .map_or(0, |(_, ValuesJson(values))| values.len());
    let out = answer_rows(&shared.work, requests, move |answers| {
        Ok(write_answer(&entities, &answers, &features))
    });
    let out = out.await?;
    shared
        .metrics
        .keys
        .fetch_add(keys as u64, Ordering::Relaxed);
    Ok(reply(StatusCode::OK, JSON, out))
}

fn plan(tables: &FeatureTables, read: ReadJson) -> Result<Plan, Refusal> {
    if let Some(service) = &read.feature_service {
        let shown: String = service.chars().take(80).collect();
        let why = format!(
            "this server has no registry of feature services such as `{shown}`: name the features, as `view:feature`"
        );
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    if read.features.len() > COLUMNS_MAX {
        return Err(Refusal::bad(format!(
            "a request has at most {COLUMNS_MAX} features"
        )));
    }
    let length = read
        .entities
        .0
        .first()
        .map_or(0, |(_, ValuesJson(values))| values.len());
    if read
        .entities
        .0
        .iter()
        .any(|(_, ValuesJson(values))| values.len() != length)
    {
        return Err(Refusal::bad(
            "the entities have different numbers of values",
        ));
    }
    let mut requests: Vec<RowsRequest> = Vec::new();
    let mut features = Vec::new();
    for text in &read.features {
        let Some((view, column)) = text.split_once(':') else {
            let shown: String = text.chars().take(80).collect();
            return Err(Refusal::bad(format!(
                "`{shown}` is no feature: `view:feature` is one"
            )));
        };
        let table = match requests.iter().position(|r| r.table == view) {
            Some(table) => table,
            None if requests.len() == REQUEST_TABLES_MAX => {
                let why = format!("a request has at most {REQUEST_TABLES_MAX} views");
                return Err(Refusal::bad(why));
            }
            None => {
                requests.push(view_request(tables, view, &read.entities)?);
                requests.len() - 1
            }
        };
        let columns = requests[table].columns.get_or_insert_default();
        columns.push(column.to_owned());
        features.push(Feature {
            table,
            column: columns.len() - 1,
            name: match read.full_feature_names {
                true => format!("{view}__{column}"),
                false => column.to_owned(),
            },
        });
    }
    Ok(Plan {
        entities: read.entities,
        requests,
        features,
    })
}

/// Makes the request for a view, whose keys are some of the entities.
fn view_request(
    tables: &FeatureTables,
    view: &str,
    entities: &Ordered<ValuesJson>,
) -> Result<RowsRequest, Refusal> {
    let schema = tables.schema(view)?;
    let mut keys = Vec::new();
    for column in schema.key() {
        let found = entities.0.iter().find(|(name, _)| *name == column.name);
        let Some((name, ValuesJson(values))) = found else {
            let why = format!("`{view}` needs the entity `{}`", column.name);
            return Err(Refusal::bad(why));
        };
        keys.push((name.clone(), values.clone()));
    }
    Ok(RowsRequest {
        table: view.to_owned(),
        keys: RequestKeys::Named(keys),
        columns: Some(Vec::new()),
        has_status: false,
    })
}

fn status_text(status: Status) -> &'static str {
    match status {
        Status::Expired => "OUTSIDE_MAX_AGE",
        Status::Missing => "NOT_FOUND",
        Status::Null => "NULL_VALUE",
        Status::Present => "PRESENT",
    }
}

fn write_answer(
    entities: &Ordered<ValuesJson>,
    answers: &[(String, Rows)],
    features: &[Feature],
) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(b"{\"metadata\":{\"feature_names\":");
    let names = entities.0.iter().map(|(name, _)| name.as_str());
    let names: Vec<&str> = names
        .chain(features.iter().map(|f| f.name.as_str()))
        .collect();
    push(&mut out, &names);
    out.extend_from_slice(b"},\"results\":[");
    for (place, (_, ValuesJson(values))) in entities.0.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"values\":");
        push_array(&mut out, values);
        out.extend_from_slice(b",\"statuses\":");
        push_list(&mut out, values.len(), |out, _| push(out, "PRESENT"));
        out.extend_from_slice(b",\"event_timestamps\":");
        push_list(&mut out, values.len(), |out, _| push(out, NO_TIME));
        out.push(b'}');
    }
    for (place, feature) in features.iter().enumerate() {
        let Some((_, rows)) = answers.get(feature.table) else {
            continue;
        };
        if place > 0 || !entities.0.is_empty() {
            out.push(b',');
        }
        write_feature(&mut out, rows, feature.column);
    }
    out.extend_from_slice(b"]}");
    out
}

fn write_feature(out: &mut Vec<u8>, rows: &Rows, column: usize) {
    let (answer, count) = (&rows.answer, rows.answer.len());
    out.extend_from_slice(b"{\"values\":");
    push_list(out, count, |out, row| match answer.columns().get(column) {
        Some(values) => push_value(out, values, row),
        None => out.extend_from_slice(b"null"),
    });
    out.extend_from_slice(b",\"statuses\":");
    push_list(out, count, |out, row| {
        push(out, status_text(answer.status(row, column)))
    });
    out.extend_from_slice(b",\"event_timestamps\":");
    push_list(out, count, |out, row| {
        match answer.time(row).and_then(time_text) {
            Some(text) => push(out, text.as_str()),
            None => push(out, NO_TIME),
        }
    });
    out.push(b'}');
}

/// A request to write rows of a view.
#[derive(Deserialize)]
struct WriteJson {
    feature_view_name: String,
    df: Ordered<Vec<Value>>,
}

/// A request to write rows of a push source, whose name is taken for that of a view.
#[derive(Deserialize)]
struct PushJson {
    push_source_name: String,
    df: Ordered<Vec<Value>>,
    #[serde(default)]
    to: Option<String>,
}

/// Writes rows of a view.
///
/// # Errors
/// A refusal for rows that do not fit, and a view that is not there or has a source.
pub(super) async fn write(shared: &Shared, body: Incoming) -> Result<Reply, Refusal> {
    let held = read_body(body, JSON_WRITE_BYTES_MAX, &shared.budget).await?;
    let bytes = held.bytes.clone();
    let written = shared.work.beside(move |tables| {
        let read: WriteJson = serde_json::from_slice(&bytes).map_err(bad_json)?;
        write_frame(tables, &read.feature_view_name, read.df)
    });
    written.await?;
    Ok(json(StatusCode::OK, &Value::Null))
}

/// Writes rows of a push source.
///
/// # Errors
/// As [`write`]; a refusal of rows for an offline store.
pub(super) async fn push_rows(shared: &Shared, body: Incoming) -> Result<Reply, Refusal> {
    let held = read_body(body, JSON_WRITE_BYTES_MAX, &shared.budget).await?;
    let bytes = held.bytes.clone();
    let written = shared.work.beside(move |tables| {
        let read: PushJson = serde_json::from_slice(&bytes).map_err(bad_json)?;
        if read.to.as_deref().is_some_and(|to| to != "online") {
            let why = "this server has no offline store: push `to` \"online\"";
            return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why));
        }
        write_frame(tables, &read.push_source_name, read.df)
    });
    written.await?;
    Ok(json(StatusCode::OK, &Value::Null))
}

/// Writes a frame, whose `event_timestamp` is the time of the rows under any name of that column.
fn write_frame(
    tables: &FeatureTables,
    view: &str,
    frame: Ordered<Vec<Value>>,
) -> Result<u64, Refusal> {
    let schema = tables.schema(view)?;
    let mut columns = frame.0;
    if let Some(time) = schema.timestamp()
        && !columns.iter().any(|(name, _)| *name == time.name)
        && let Some((name, _)) = columns
            .iter_mut()
            .find(|(name, _)| name == "event_timestamp")
    {
        name.clone_from(&time.name);
    }
    write_rows(tables, view, &[batch_of(&schema, columns)?])
}
